import { get as getPlain } from 'node:http';
import { get as getOverTls } from 'node:https';

/** Kubernetes serves its keys as the second one only. */
const ACCEPT = 'application/json, application/jwk-set+json';
/** Bytes of a discovery document or a set of keys. */
const LARGEST_DOCUMENT = 256 * 1024;

/**
 * Gets a JSON document of an issuer. Redirects are not followed: they could lead anywhere. Unlike the built-in `fetch` it accepts the
 * certificates of a private authority, and limits the size.
 * @param ca PEM; default: the authorities that Node.js trusts
 */
export function fetchDocument(url: string, signal: AbortSignal, ca?: string): Promise<Response> {
  const get = url.startsWith('https:') ? getOverTls : getPlain;
  return new Promise((resolve, reject) => {
    const request = get(url, { signal, headers: { accept: ACCEPT }, agent: false, ...(ca && { ca }) });
    request.once('error', reject);
    request.once('response', (response) => {
      const fail = (reason: string) => request.destroy(new Error(reason));
      if (response.statusCode !== 200) fail(`it answered with status ${response.statusCode}`);
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > LARGEST_DOCUMENT) fail(`its document is larger than ${LARGEST_DOCUMENT} bytes`);
        else parts.push(part);
      });
      response.once('error', reject);
      response.once('end', () => resolve(new Response(Buffer.concat(parts))));
    });
  });
}
