import { isIP } from 'node:net';

/** The headers of a request that tell its origin. */
export interface RequestOrigin {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** Sec-Fetch-Site. */
  readonly site: string | undefined;
  readonly contentType: string | undefined;
}

/**
 * Why a request must be rejected; undefined if it is allowed. Prevents other sites from steering runs (cross-site requests)
 * and from reading them (DNS rebinding): only IP addresses, localhost and configured names are accepted as hosts.
 * @param setting that has the names, for messages
 */
export function reasonToReject(
  request: RequestOrigin,
  names: readonly string[],
  setting = 'http.hosts',
): string | undefined {
  const name = hostName(request.host);
  if (name === undefined || !isOurs(name, names)) {
    return `host ${name ?? 'of the request'} is not allowed: add it to ${setting}`;
  }
  if (request.method === 'GET' || request.method === 'HEAD') return undefined;
  if (request.origin !== undefined && hostOf(request.origin) !== request.host)
    return `requests from ${request.origin} are not allowed`;
  if (request.site !== undefined && request.site !== 'same-origin' && request.site !== 'none') {
    return 'cross-site requests are not allowed';
  }
  const type = request.contentType?.split(';')[0]?.trim().toLowerCase();
  return type === 'application/json' ? undefined : 'the content type must be application/json';
}

function isOurs(name: string, names: readonly string[]): boolean {
  return name === 'localhost' || isIP(name) !== 0 || names.includes(name);
}

/** Without the port, and without the brackets of an IPv6 address. */
function hostName(host: string | undefined): string | undefined {
  if (host === undefined || !URL.canParse(`http://${host}`)) return undefined;
  return new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '');
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
