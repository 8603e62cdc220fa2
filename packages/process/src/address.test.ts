import { describe, expect, test } from 'vitest';
import { Address, isAddress, listenError } from './address.js';

describe('an address', () => {
  test.each(['127.0.0.1:50050', 'localhost:0', '[::1]:50050', 'unix:/tmp/socket', 'dns:///student:50053'])(
    'is %s',
    (text) => {
      expect(isAddress(text)).toBe(true);
    },
  );

  test.each(['localhost', '127.0.0.1', '', ':50050', '::1', 'host:port', 'host:', 'a b:1'])('is not %j', (text) => {
    expect(Address.safeParse(text).error?.issues[0]?.message).toBe('expected host:port, such as 127.0.0.1:50050');
  });
});

test('a server that cannot listen names its address and what to do', () => {
  const error = listenError(
    '127.0.0.1:50050',
    new Error('No address added: [listen EADDRINUSE: address already in use]'),
  );
  expect(error.message).toMatch(/^cannot listen on 127\.0\.0\.1:50050: another process uses this address; /);
  expect(listenError('there:1', new Error('something else')).message).toBe('cannot listen on there:1: something else');
});
