import { Socket } from 'node:net';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { describe, expect, test } from 'vitest';
import { addressOfPeer, clientAddress, createConnectionGuard } from './connection-guard.js';

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

const limits = { connections: 4, connectionsPerAddress: 2, firstCallSeconds: 10, refusalsPerConnection: 20 };

/** A guard, and connections from addresses; no network. */
function guarded() {
  const clock = virtualClock();
  const reasons: string[] = [];
  const guard = createConnectionGuard(limits, { clock, closed: (reason) => reasons.push(reason) });
  let port = 0;
  const connect = (address: string) => {
    port += 1;
    const socket = new Socket();
    Object.defineProperties(socket, { remoteAddress: { value: address }, remotePort: { value: port } });
    return { admitted: guard.admit(socket), socket, peer: `${address}:${port}` };
  };
  return { clock, reasons, guard, connect };
}

describe('beyond the connections of one address', () => {
  test('the one that has been idle longest is closed', () => {
    const { connect, reasons } = guarded();
    const [first, second, third] = [connect('1.1.1.1'), connect('1.1.1.1'), connect('1.1.1.1')];
    expect(third.admitted).toBe(true);
    expect([first, second, third].map(({ socket }) => socket.destroyed)).toEqual([true, false, false]);
    expect(reasons).toEqual(['limits.connectionsPerAddress allows 2 connections from 1.1.1.1']);
  });

  test('one with an open call is not closed, and a new one is refused when all have one', () => {
    const { connect, guard, reasons } = guarded();
    const [first, second] = [connect('1.1.1.1'), connect('1.1.1.1')];
    const end = guard.begin(first.peer);
    guard.begin(second.peer);
    const third = connect('1.1.1.1');
    expect(third).toMatchObject({ admitted: false, socket: { destroyed: true } });
    expect(reasons.at(-1)).toContain('and none of them is idle');
    end();
    expect(connect('1.1.1.1').admitted).toBe(true);
    expect([first, second].map(({ socket }) => socket.destroyed)).toEqual([true, false]);
  });

  test('those of another address stay', () => {
    const { connect } = guarded();
    const other = connect('2.2.2.2');
    for (let more = 0; more < 9; more += 1) expect(connect('1.1.1.1').admitted).toBe(true);
    expect(other.socket.destroyed).toBe(false);
  });
});

test('beyond all connections the one that has been idle longest is closed, whichever address it has', () => {
  const { connect, reasons } = guarded();
  const first = connect('1.1.1.1');
  for (const address of ['2.2.2.2', '3.3.3.3', '4.4.4.4', '5.5.5.5']) expect(connect(address).admitted).toBe(true);
  expect(first.socket.destroyed).toBe(true);
  expect(reasons).toEqual(['limits.connections allows 4 connections']);
});

test('a connection that makes no call in time is closed, one that has made a call stays', async () => {
  const { connect, guard, clock, reasons } = guarded();
  const [silent, used] = [connect('1.1.1.1'), connect('2.2.2.2')];
  guard.begin(used.peer)();
  await clock.advance(9999);
  expect(silent.socket.destroyed).toBe(false);
  await clock.advance(1);
  expect([silent.socket.destroyed, used.socket.destroyed]).toEqual([true, false]);
  expect(reasons).toEqual(['limits.firstCallSeconds allows 10 s until the first call']);
});

test('a connection that its client has closed makes room', async () => {
  const { connect, guard } = guarded();
  const first = connect('1.1.1.1');
  guard.begin(first.peer);
  guard.begin(connect('1.1.1.1').peer);
  const closed = new Promise((resolve) => first.socket.once('close', resolve));
  first.socket.destroy();
  await closed;
  expect(connect('1.1.1.1').admitted).toBe(true);
});

test('a connection whose calls are refused all the time is closed', async () => {
  const { connect, guard, clock, reasons } = guarded();
  const { socket, peer } = connect('1.1.1.1');
  guard.begin(peer);
  const refuse = (times: number) => {
    for (let call = 0; call < times; call += 1) guard.refused(peer);
    return socket.destroyed;
  };
  expect(refuse(20)).toBe(false);
  await clock.advance(1000);
  expect([refuse(2), refuse(1)]).toEqual([false, true]);
  expect(reasons).toEqual(['limits.refusalsPerConnection allows 20 refused calls']);
});
