import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { z } from 'zod';

/** host:port with an IPv6 host in brackets, or a gRPC target with a scheme. */
const ADDRESS = /^((unix|unix-abstract|dns|ipv4|ipv6):.+|(\[[\da-f:.%]+\]|[^\s:/]+):\d{1,5})$/i;

/** Whether a gRPC server can listen on the address, or a client can call it. */
export function isAddress(text: string): boolean {
  return ADDRESS.test(text);
}

/** An address in a configuration. */
export const Address = z.string().regex(ADDRESS, 'expected host:port, such as 127.0.0.1:50050');

/** Names and networks that never leave this machine. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)(:\d{1,5})?$/i;

/** Whether only processes of this machine can reach the address. A host name other than localhost may be any machine. */
export function isLoopback(address: string): boolean {
  const [, scheme, rest = address] = /^(unix|unix-abstract|dns|ipv4|ipv6):(?:\/\/[^/]*\/)?(.+)$/i.exec(address) ?? [];
  return scheme?.toLowerCase().startsWith('unix') === true || rest.split(',').every((host) => LOOPBACK.test(host));
}

/** What an operator can do about an error of the operating system. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process uses this address; stop it, or choose another port, such as 0 for any free port',
  EACCES: 'this user may not use this port; choose one above 1023',
  EADDRNOTAVAIL: 'this machine does not have this address',
  ENOTFOUND: 'unknown host',
};

/** The error of a server that cannot listen. @param cause the error of Node.js or grpc-js */
export function listenError(listen: string, cause: unknown): TrikdError {
  const text = messageOf(cause);
  const code = /\b(EADDRINUSE|EACCES|EADDRNOTAVAIL|ENOTFOUND)\b/.exec(text)?.[1];
  const reason = code === undefined ? text : REASONS[code];
  return new TrikdError('unavailable', `cannot listen on ${listen}: ${reason}`, { listen }, { cause });
}
