import { isProducerAddress } from '../exchange/producer-address.js';
import { DatasetName } from './data-spec.js';

/** Where a spec says that a model is served. */
export type EndpointAddress =
  | { readonly kind: 'registered'; readonly name: string }
  | { readonly kind: 'address'; readonly address: string; readonly tls: boolean };

const SCHEMED = /^(?:(grpc|grpcs|https):\/\/)?(.*)$/s;
const HTTPS_PORT = 443;

/**
 * Reads `NAME`, `host:port` or `grpc://host:port` (plain text), `grpcs://host[:port]` or `https://host[:port]` (TLS). Nothing else is an
 * endpoint: other targets of gRPC would reach local sockets, and name servers of the author's choice.
 * @returns undefined for any other text
 */
export function endpointAddress(text: string): EndpointAddress | undefined {
  if (DatasetName.safeParse(text).success) return { kind: 'registered', name: text };
  const [, scheme, rest = ''] = SCHEMED.exec(text) ?? [];
  const tls = scheme === 'grpcs' || scheme === 'https';
  const host = rest.replace(/\/$/, '');
  const address = tls && !/:\d+$/.test(host) ? `${host}:${HTTPS_PORT}` : host;
  return isProducerAddress(address) ? { kind: 'address', address, tls } : undefined;
}
