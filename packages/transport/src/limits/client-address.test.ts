import { expect, test } from 'vitest';
import { addressOfPeer, clientAddress } from './client-address.js';

test.each([
  ['10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::7', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('a client at %s is counted as %s', (address, counted) => {
  expect(clientAddress(address)).toBe(counted);
});

test.each([
  ['10.1.2.3:4567', '10.1.2.3'],
  ['2001:db8::7:4567', '2001:db8:0:0::/64'],
  ['unknown', 'a Unix socket'],
])('the peer %s is at %s', (peer, address) => {
  expect(addressOfPeer(peer)).toBe(address);
});
