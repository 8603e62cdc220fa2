import type { Socket } from 'node:net';
import type { Clock } from '@trikd/core/async/clock';
import type { ServerLimits } from './server-limits.js';
import { type Bucket, takeToken } from './token-bucket.js';

/** Counts the connections of a server, and closes idle ones when there are too many. */
export interface ConnectionGuard {
  /** Takes in a new connection. False: it was refused, and is closed. */
  admit(socket: Socket): boolean;
  /** A call begins on the connection from `peer`, as host:port. The result ends it. */
  begin(peer: string): () => void;
  /** A call from `peer` was refused. What its connection has sent beyond the limit is dropped unread, with the connection. */
  refused(peer: string): void;
}

export type ConnectionLimits = Pick<ServerLimits, 'connections' | 'connectionsPerAddress' | 'firstCallSeconds'> &
  Partial<Pick<ServerLimits, 'refusalsPerConnection'>>;

export interface ConnectionPorts {
  readonly clock: Clock;
  /** Of the configuration, for messages. Default `limits`. */
  readonly section?: string;
  /** Called when a limit has closed a connection. @param limit its name, such as limits.connections */
  closed(reason: string, limit: string): void;
}

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  /** As grpc-js names it. A closed socket has no port any more. */
  readonly peer: string;
  calls: number;
  /** Ends the wait for its first call. */
  readonly called: AbortController;
  /** Refusals that it has left. */
  refusals?: Bucket;
}

export function createConnectionGuard(limits: ConnectionLimits, ports: ConnectionPorts): ConnectionGuard {
  const { connections, connectionsPerAddress, firstCallSeconds, refusalsPerConnection = Infinity } = limits;
  const refusalRate = { burst: refusalsPerConnection, perSecond: refusalsPerConnection / 10 };
  const { clock, closed, section = 'limits' } = ports;
  const open = new Map<string, Connection>();
  const counts = new Map<string, number>();
  /** The one that has been idle longest comes first. A connection with an open call is never among them. */
  const idle = new Set<Connection>();

  const forget = (connection: Connection) => {
    const { peer, address } = connection;
    if (open.get(peer) !== connection) return;
    open.delete(peer);
    idle.delete(connection);
    connection.called.abort();
    const left = (counts.get(address) ?? 1) - 1;
    if (left === 0) counts.delete(address);
    else counts.set(address, left);
  };
  const report = (limit: keyof ConnectionLimits, allows: string) =>
    closed(`${section}.${limit} allows ${allows}`, `${section}.${limit}`);
  const close = (connection: Connection, limit: keyof ConnectionLimits, allows: string) => {
    report(limit, allows);
    forget(connection);
    connection.socket.destroy();
  };
  /** Closes an idle connection to make room for a new one. */
  const makeRoom = (limit: keyof ConnectionLimits, allows: string, victim: Connection | undefined): boolean => {
    if (victim) close(victim, limit, allows);
    else report(limit, `${allows}, and none of them is idle`);
    return victim !== undefined;
  };
  const hasRoom = (address: string): boolean => {
    if ((counts.get(address) ?? 0) >= connectionsPerAddress) {
      const victim = [...idle].find((one) => one.address === address);
      return makeRoom('connectionsPerAddress', `${connectionsPerAddress} connections from ${address}`, victim);
    }
    if (open.size < connections) return true;
    const [longest] = idle;
    return makeRoom('connections', `${connections} connections`, longest);
  };

  return {
    admit(socket) {
      const { remoteAddress, remotePort } = socket;
      // Those of a Unix socket have no address: the rights of its file say who may connect.
      if (remoteAddress === undefined) return true;
      const address = clientAddress(remoteAddress);
      // A reset before the server listens to the socket must not end the process.
      socket.on('error', () => undefined);
      if (!hasRoom(address)) {
        socket.destroy();
        return false;
      }
      const peer = `${remoteAddress}:${remotePort}`;
      const connection: Connection = { socket, address, peer, calls: 0, called: new AbortController() };
      open.set(peer, connection);
      counts.set(address, (counts.get(address) ?? 0) + 1);
      idle.add(connection);
      socket.once('close', () => forget(connection));
      clock.sleep(1000 * firstCallSeconds, connection.called.signal).then(
        () => close(connection, 'firstCallSeconds', `${firstCallSeconds} s until the first call`),
        () => undefined,
      );
      return true;
    },
    refused(peer) {
      const connection = open.get(peer);
      if (!connection) return;
      const taken = takeToken(connection.refusals, refusalRate, clock.now());
      if (taken.kind === 'taken') connection.refusals = taken.bucket;
      else close(connection, 'refusalsPerConnection', `${refusalsPerConnection} refused calls`);
    },
    begin(peer) {
      const connection = open.get(peer);
      if (!connection) return () => undefined;
      // Aborting makes an error each time.
      if (!connection.called.signal.aborted) connection.called.abort();
      connection.calls += 1;
      idle.delete(connection);
      return () => {
        connection.calls -= 1;
        if (connection.calls === 0 && open.get(peer) === connection) idle.add(connection);
      };
    },
  };
}

/** Groups of 16 bits of an IPv6 address that name a network: a host has all the addresses of one. */
const NETWORK_GROUPS = 4;

/** The address that limits count a client by: an IPv4 address, or the network of an IPv6 address. */
export function clientAddress(address: string): string {
  const ipv4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (ipv4 !== undefined) return ipv4;
  const [head = '', tail] = address.replace(/%.*/, '').split('::');
  const first = head.split(':').filter(Boolean);
  const last = tail?.split(':').filter(Boolean) ?? [];
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0');
  return `${[...first, ...zeros, ...last].slice(0, NETWORK_GROUPS).join(':')}::/64`;
}

/** The address in a peer, as grpc-js names it. */
export function addressOfPeer(peer: string): string {
  const colon = peer.lastIndexOf(':');
  return colon < 0 ? 'a Unix socket' : clientAddress(peer.slice(0, colon));
}
