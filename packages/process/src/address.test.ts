import { describe, expect, test } from 'vitest';
import { Address, isAddress, isLoopback, listenError } from './address.js';

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

describe('only this machine reaches', () => {
  test.each([
    '127.0.0.1:50050',
    '127.1.2.3:1',
    'localhost:0',
    '[::1]:50050',
    'unix:/tmp/socket',
    'unix-abstract:socket',
    'dns:///localhost:50053',
    'ipv4:127.0.0.1:1,127.0.0.2:1',
    'ipv6:[::1]:1',
  ])('%s', (address) => {
    expect(isLoopback(address)).toBe(true);
  });

  test.each([
    '0.0.0.0:50050',
    '[::]:50050',
    '10.0.0.1:1',
    'localhost.example.org:1',
    '127.0.0.1.example.org:1',
    'dns:///student:50053',
    'dns://127.0.0.1/student:50053',
    'ipv4:127.0.0.1:1,10.0.0.1:1',
  ])('not %s alone', (address) => {
    expect(isLoopback(address)).toBe(false);
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
