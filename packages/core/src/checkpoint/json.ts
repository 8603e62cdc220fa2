import { hash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json.js';
import { messageOf, TrikdError } from '../domain/errors.js';

/** Documents here nest a few levels deep, and the parser recurses once per level. */
const MAX_DEPTH = 64;

/**
 * Parses JSON and rejects objects with duplicate keys. `JSON.parse` silently keeps the last value, so two readers could
 * see two different documents.
 * @throws SyntaxError
 */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // The text is valid JSON from here on, so only strings and brackets need to be distinguished.
  const open: { readonly keys: Set<string> | undefined; atKey: boolean }[] = [];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    const inner = open.at(-1);
    if (open.length > MAX_DEPTH) throw new SyntaxError(`it is nested deeper than ${MAX_DEPTH}`);
    if (token === '{') open.push({ keys: new Set(), atKey: true });
    else if (token === '[') open.push({ keys: undefined, atKey: false });
    else if (token === '}' || token === ']') open.pop();
    else if (token === ',') {
      if (inner?.keys) inner.atKey = true;
    } else if (inner?.keys && inner.atKey) {
      const key = String(JSON.parse(token));
      if (inner.keys.has(key)) throw new SyntaxError(`key ${JSON.stringify(key)} appears twice`);
      inner.keys.add(key);
      inner.atKey = false;
    }
  }
  return value;
}

/**
 * Parses bytes as strict JSON. Bytes that are not UTF-8 and a byte order mark are rejected.
 * @throws SyntaxError, or TypeError for invalid UTF-8
 */
export function decodeStrictJson(bytes: Uint8Array): unknown {
  return parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
}

/** Far above any manifest or state here, and far below what would take noticeable memory to parse. */
export const MAX_SEALED_BYTES = 2 * 1024 * 1024;

/**
 * Encodes fields as JSON with sorted keys and one more field, `digest`: the SHA-256, hex, of the text without it. Equal
 * fields give equal bytes. A manifest carries the digests of its blobs; a document that nothing else names carries its
 * own.
 * @throws TrikdError 'invalid' for more bytes than a reader accepts
 */
export function sealJson(fields: Readonly<Record<string, unknown>>): Uint8Array {
  const bytes = sealed(fields);
  if (bytes.length <= MAX_SEALED_BYTES) return bytes;
  const message = `cannot write ${bytes.length} bytes of JSON where ${MAX_SEALED_BYTES} at most are read again`;
  throw new TrikdError('invalid', message);
}

function sealed(fields: Readonly<Record<string, unknown>>): Uint8Array {
  return Buffer.from(canonicalJson({ ...fields, digest: hash('sha256', canonicalJson(fields)) }));
}

/**
 * Decodes what `sealJson` encoded. Any other bytes are rejected, even if they parse to the same fields.
 * @param what names the document in the message, such as `manifest`
 * @throws TrikdError 'corrupt'
 */
export function openSealedJson(bytes: Uint8Array, what: string): Readonly<Record<string, unknown>> {
  const corrupt = (problem: string, options?: ErrorOptions) =>
    new TrikdError('corrupt', `${what} of ${bytes.length} bytes ${problem}`, {}, options);
  if (bytes.length > MAX_SEALED_BYTES) throw corrupt(`is longer than ${MAX_SEALED_BYTES}`);
  const { digest, ...fields } = recordOf(bytes, corrupt);
  if (Buffer.compare(sealed(fields), bytes) === 0) return fields;
  const found = hash('sha256', canonicalJson(fields));
  throw corrupt(
    digest === found ? 'is not written as its fields are' : `says SHA-256 ${digest} of itself and has ${found}`,
  );
}

/**
 * Decodes a sealed document whose format has a version.
 * @param reads the only version that is read
 * @throws TrikdError 'corrupt', for another version with both
 */
export function openVersionedJson(bytes: Uint8Array, what: string, reads: number): Readonly<Record<string, unknown>> {
  const fields = openSealedJson(bytes, what);
  if (fields['version'] !== reads) throw new TrikdError('corrupt', otherVersion(what, fields['version'], reads));
  return fields;
}

/** What is said of a document of another version than the one that is read. */
export function otherVersion(what: string, found: unknown, reads: number): string {
  const version = found === undefined ? 'no version' : `version ${JSON.stringify(found)}`;
  return `${what} has ${version}, and only version ${reads} is read: read it with the version of trikd that wrote it`;
}

function recordOf(
  bytes: Uint8Array,
  corrupt: (problem: string, options?: ErrorOptions) => TrikdError,
): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = decodeStrictJson(bytes);
  } catch (cause) {
    throw corrupt(`is not JSON: ${messageOf(cause)}`, { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw corrupt('is no object');
}
