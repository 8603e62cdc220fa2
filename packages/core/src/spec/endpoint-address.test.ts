import { expect, test } from 'vitest';
import { endpointAddress } from './endpoint-address.js';

const at = (address: string, tls: boolean) => ({ kind: 'address', address, tls });

test.each([
  ['triton', { kind: 'registered', name: 'triton' }],
  ['triton:8001', at('triton:8001', false)],
  ['grpc://10.0.0.7:8001', at('10.0.0.7:8001', false)],
  ['[::1]:8001', at('[::1]:8001', false)],
  ['https://models.example.org', at('models.example.org:443', true)],
  ['https://models.example.org/', at('models.example.org:443', true)],
  ['grpcs://models.example.org:8443', at('models.example.org:8443', true)],
  ['http://models.example.org:80', undefined],
  ['unix:/run/secret.sock', undefined],
  ['grpc://unix:/run/secret.sock', undefined],
  ['dns://8.8.8.8/models.example.org:443', undefined],
  ['https://user:password@models.example.org', undefined],
  ['https://models.example.org/v2/models', undefined],
  ['models.example.org:99999', undefined],
  ['models.example.org:443\n', undefined],
  ['', undefined],
])('%j is an endpoint, or none', (text, expected) => {
  expect(endpointAddress(text)).toEqual(expected);
});
