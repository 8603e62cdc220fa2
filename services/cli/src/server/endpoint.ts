import { isAddress } from '@trikd/process/address';

/** Where an orchestrator listens, and how to call it. */
export interface Endpoint {
  /** For gRPC, such as host:50050. Names the login too. */
  readonly target: string;
  readonly tls: boolean;
  /** On this machine: nobody can listen on the way. */
  readonly isLocal: boolean;
}

const TLS_PORT = 443;
const SCHEMES: Readonly<Record<string, boolean>> = { https: true, grpcs: true, http: false, grpc: false };

/**
 * Reads `host:port`, or `https://host[:port]` and `grpcs://…` for TLS, `grpc://host:port` and `http://…` for plain text. Without a scheme a
 * server elsewhere is called over TLS, and one on this machine over plain text. Undefined if it is none of them.
 */
export function endpointOf(text: string): Endpoint | undefined {
  const [, scheme, rest = ''] = /^([a-z]+):\/\/([^\s/?#@]+)\/?$/i.exec(text) ?? [];
  if (scheme === undefined) return isAddress(text) ? endpoint(text, !isLocal(text)) : undefined;
  const tls = SCHEMES[scheme.toLowerCase()];
  if (tls === undefined) return undefined;
  const target = tls && !/:\d+$/.test(rest) ? `${rest}:${TLS_PORT}` : rest;
  return isAddress(target) ? endpoint(target, tls) : undefined;
}

function endpoint(target: string, tls: boolean): Endpoint {
  return { target, tls, isLocal: isLocal(target) };
}

function isLocal(target: string): boolean {
  return /^(unix:|unix-abstract:|(localhost|127(\.\d{1,3}){3}|\[::1\]):\d+$)/i.test(target);
}
