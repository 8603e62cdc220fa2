import { expect, test } from 'vitest';
import { openEndpointWith } from './open-endpoint.js';

const endpoints = { triton: { address: 'triton:8001' } };
const open = (endpoint: string, addresses = true, plaintext: 'loopback' | 'anywhere' = 'loopback') =>
  openEndpointWith({ endpoints, plaintext }, { names: Object.keys(endpoints), addresses })(endpoint, 1).close();

test('registered endpoints are asked, and addresses where the service allows them', () => {
  for (const endpoint of ['triton', '127.0.0.1:8001', 'https://models.example.org']) open(endpoint);
  open('triton', false);
  open('models:8001', true, 'anywhere');
});

test.each([
  ['other', true, 'endpoint other: this service has no endpoint other: name one of triton'],
  [
    '127.0.0.1:1',
    false,
    'endpoint 127.0.0.1:1: this service asks no address that a spec names: name an endpoint, one of triton',
  ],
  [
    'unix:/x',
    true,
    'endpoint unix:/x: expected host:port, https://host, or the name of an endpoint that the services have registered',
  ],
  [
    'models:8001',
    true,
    'images would be sent to models:8001 in plain text: take https://models:8001, or register it in endpoints of the anchor-server',
  ],
])('%s is not asked, and the error says why', (endpoint, addresses, message) => {
  expect(() => open(endpoint, addresses)).toThrow(message);
});
