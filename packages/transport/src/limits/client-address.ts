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
