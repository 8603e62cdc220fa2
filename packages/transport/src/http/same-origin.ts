import { isIP } from 'node:net';

/** What a request says of where it comes from. */
export interface RequestOrigin {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** Sec-Fetch-Site. */
  readonly site: string | undefined;
  readonly contentType: string | undefined;
}

/**
 * Why a request is refused, or undefined. A page of somebody else may neither steer runs, nor read them by pointing a name of its own
 * at this address: only addresses, localhost and the names that were configured are answered.
 */
export function refusal(request: RequestOrigin, names: readonly string[]): string | undefined {
  const name = hostName(request.host);
  if (name === undefined || !isOurs(name, names)) {
    return `the host ${name ?? 'that was asked for'} is not known here: add it to http.hosts`;
  }
  if (request.method === 'GET' || request.method === 'HEAD') return undefined;
  if (request.origin !== undefined && hostOf(request.origin) !== request.host)
    return `${request.origin} may not steer runs`;
  if (request.site !== undefined && request.site !== 'same-origin' && request.site !== 'none') {
    return 'another site may not steer runs';
  }
  const type = request.contentType?.split(';')[0]?.trim().toLowerCase();
  return type === 'application/json' ? undefined : 'the body must be application/json';
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
