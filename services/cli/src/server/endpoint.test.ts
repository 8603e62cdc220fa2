import { describe, expect, test } from 'vitest';
import { endpointOf } from './endpoint.js';

describe('a server', () => {
  test.each([
    ['127.0.0.1:50050', '127.0.0.1:50050', false, true],
    ['localhost:1', 'localhost:1', false, true],
    ['[::1]:50050', '[::1]:50050', false, true],
    ['unix:/run/trikd', 'unix:/run/trikd', false, true],
    ['trikd.example:50050', 'trikd.example:50050', true, false],
    ['10.0.0.7:50050', '10.0.0.7:50050', true, false],
    ['https://trikd.example', 'trikd.example:443', true, false],
    ['https://[2001:db8::1]/', '[2001:db8::1]:443', true, false],
    ['grpcs://localhost:50050', 'localhost:50050', true, true],
    ['grpc://orchestrator:50050', 'orchestrator:50050', false, false],
    ['http://127.0.0.1:50050/', '127.0.0.1:50050', false, true],
    ['localhost.example:50050', 'localhost.example:50050', true, false],
    ['127.0.0.1.example:50050', '127.0.0.1.example:50050', true, false],
  ])('%s is called at %s, with TLS: %s, on this machine: %s', (text, target, tls, isLocal) => {
    expect(endpointOf(text)).toEqual({ target, tls, isLocal });
  });

  test.each([
    'trikd',
    'ftp://trikd.example:1',
    'https://',
    'https://user@trikd.example',
    'https://trikd.example/path',
    'grpc://trikd.example',
  ])('cannot be %s', (text) => {
    expect(endpointOf(text)).toBeUndefined();
  });
});
