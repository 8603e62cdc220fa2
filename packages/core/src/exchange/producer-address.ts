/** The longest name of a host in DNS, a colon and a port. */
const LONGEST = 253 + 6;
const HOST = /^(?:\[[\da-f:.]+\]|[a-z\d](?:[a-z\d_.-]*[a-z\d])?)$/i;

/**
 * Whether an order may name the address of a producer: host:port and nothing else. Targets with a scheme would reach local sockets and
 * name servers of the caller's choice.
 */
export function isProducerAddress(text: string): boolean {
  const colon = text.lastIndexOf(':');
  if (text.length > LONGEST || colon === -1) return false;
  const port = text.slice(colon + 1);
  return HOST.test(text.slice(0, colon)) && /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535;
}

/**
 * Whether an address is among those that a configuration allows.
 * @param allowed host:port, or *.domain:port for every host of a domain
 */
export function isAllowedProducer(address: string, allowed: readonly string[]): boolean {
  return allowed.some((each) => (each.startsWith('*.') ? address.endsWith(each.slice(1)) : address === each));
}
