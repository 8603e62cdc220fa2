import { expect, test } from 'vitest';
import { endpointAccessOf } from './endpoint-settings.js';

const triton = { triton: { address: 'triton:8001' } };

test.each([
  ['alone on its machine', { listen: '127.0.0.1:1', endpoints: {} }, true],
  ['that others reach', { listen: '0.0.0.0:1', endpoints: {} }, false],
  ['with certificates', { listen: '127.0.0.1:1', endpoints: {}, tls: {} }, false],
  ['with registered endpoints', { listen: '127.0.0.1:1', endpoints: triton }, false],
  ['that is told to', { listen: '0.0.0.0:1', endpoints: triton, endpointAddresses: 'allowed' as const }, true],
  ['that is told not to', { listen: '127.0.0.1:1', endpoints: {}, endpointAddresses: 'refused' as const }, false],
])('a service %s: may a spec name an address? %#', (_name, config, addresses) => {
  expect(endpointAccessOf(config)).toEqual({ names: Object.keys(config.endpoints), addresses });
});
