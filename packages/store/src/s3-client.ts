import { Agent, type ClientRequest, IncomingMessage, type RequestOptions, request } from 'node:http';
import { request as requestOverTls, Agent as TlsAgent } from 'node:https';
import { TrikdError } from '@trikd/core/domain/errors';
import { type BucketItemStat, Client } from 'minio';
import { codeOf, type PutOptions, type S3Api, type S3Head, s3Error, unexpectedResponse } from './s3-api.js';
import type { S3Credentials } from './store-config.js';

/** A bucket and the credentials for it. */
export interface S3Place extends S3Credentials {
  /** http://host:port or https://host:port. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  /** Prefix of all keys, without a slash at the end. */
  readonly prefix?: string | undefined;
}

export interface S3ClientOptions {
  /** Time without progress after which a request fails. Default 10 s. */
  readonly idleMs?: number;
  /** Keys per page of a listing, at most 1000. Default 1000. */
  readonly pageKeys?: number;
}

/** Concurrent connections to the store; further requests wait. */
const SOCKETS = 32;
/**
 * The limit of S3 for one request. The client would split a larger object into parts. Conditional writes in parts all
 * succeed, since the condition is evaluated when they start; and the parts of a killed process stay in the bucket,
 * invisible.
 */
const MAX_BYTES = 5 * 1024 ** 3;
const NOTE = 'x-amz-meta-trikd-writes';

/** Error codes for a condition that does not hold; the last two if there is no object to replace. */
const REFUSED: ReadonlySet<string> = new Set([
  'PreconditionFailed',
  'ConditionalRequestConflict',
  'NoSuchKey',
  'NotFound',
]);
const ABSENT: ReadonlySet<string> = new Set(['NoSuchKey', 'NotFound']);

/** S3 through MinIO's own client. Opens no connection yet. */
export function openS3Api(place: S3Place, options: S3ClientOptions = {}): S3Api {
  const { bucket } = place;
  const { pageKeys = 1000 } = options;
  const client = clientOf(place, options);
  const base = place.prefix === undefined ? '' : `${place.prefix}/`;
  const name = `${new URL(place.endpoint).origin}/${bucket}`;

  /** The result of `work`, or undefined if there is no such object. */
  const unlessAbsent = async <T>(key: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (ABSENT.has(codeOf(error))) return undefined;
      throw s3Error(name, error, key);
    }
  };
  const bucketExists = async () => {
    try {
      return await client.bucketExists(bucket);
    } catch (error) {
      // Without the right to list it nobody can tell, and needs none to read a blob.
      if (codeOf(error) === 'AccessDenied') return true;
      throw error;
    }
  };
  const assertBucket = async () => {
    // Responses to HEAD have no body, so that a missing bucket looks like a missing object.
    if (await bucketExists()) return;
    throw Object.assign(new Error('The specified bucket does not exist'), { code: 'NoSuchBucket' });
  };

  return {
    place: name,
    put: async (key, bytes, putOptions = {}) => {
      if (bytes.byteLength > MAX_BYTES) {
        throw new TrikdError(
          'invalid',
          `key ${key}: ${bytes.byteLength} bytes exceed the limit of ${MAX_BYTES} for one request`,
        );
      }
      const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      try {
        const { etag } = await client.putObject(bucket, base + key, body, body.length, headersOf(putOptions));
        return { etag };
      } catch (error) {
        if (putOptions.onlyIf && REFUSED.has(codeOf(error))) return 'refused';
        throw s3Error(name, error, key);
      }
    },
    get: (key) =>
      unlessAbsent(key, async () => {
        const answer = await client.getObject(bucket, base + key);
        if (!(answer instanceof IncomingMessage))
          throw new Error('the S3 client returned something other than an HTTP response');
        const bytes = await bodyOf(answer);
        const size = Number(answer.headers['content-length']);
        if (bytes.length !== size)
          throw unexpectedResponse(name, `key ${key}: received ${bytes.length} of ${size} bytes`);
        return { bytes, size, etag: unquoted(answer.headers.etag), note: `${answer.headers[NOTE] ?? ''}` };
      }),
    part: (key, offset, length) =>
      unlessAbsent(key, async () => {
        try {
          const bytes = await bodyOf(await client.getPartialObject(bucket, base + key, offset, length));
          // A server that knows no ranges sends all of the object.
          if (bytes.length > length)
            throw unexpectedResponse(name, `key ${key}: received ${bytes.length} bytes instead of ${length}`);
          return bytes;
        } catch (error) {
          if (codeOf(error) === 'InvalidRange') return new Uint8Array();
          throw error;
        }
      }),
    head: (key) =>
      unlessAbsent(key, async () => {
        try {
          return headOf(await client.statObject(bucket, base + key));
        } catch (error) {
          if (ABSENT.has(codeOf(error))) await assertBucket();
          throw error;
        }
      }),
    list: async (prefix) => {
      const keys: string[] = [];
      try {
        let token: string | undefined;
        do {
          const query = listingQuery(base + prefix, pageKeys, token);
          const answer = await client.makeRequestAsync({ method: 'GET', bucketName: bucket, query });
          const listing = parseListing((await bodyOf(answer)).toString());
          if (listing === undefined) throw unexpectedResponse(name, 'the response to a listing is not a listing');
          keys.push(...listing.names.map((each) => each.slice(base.length)));
          token = listing.next;
        } while (token !== undefined);
      } catch (error) {
        throw s3Error(name, error);
      }
      return keys;
    },
    remove: async (key) => {
      try {
        await client.removeObject(bucket, base + key);
      } catch (error) {
        if (!ABSENT.has(codeOf(error))) throw s3Error(name, error, key);
      }
    },
  };
}

function clientOf({ endpoint, region, accessKey, secretKey }: S3Place, { idleMs = 10_000 }: S3ClientOptions): Client {
  const { hostname, port, protocol } = new URL(endpoint);
  const secure = protocol === 'https:';
  const agentOptions = { keepAlive: true, maxSockets: SOCKETS };
  return new Client({
    // Only URLs have the brackets of an IPv6 address.
    endPoint: hostname.replace(/^\[|\]$/g, ''),
    ...(port !== '' && { port: Number(port) }),
    useSSL: secure,
    accessKey,
    secretKey: secretKey.reveal(),
    // Without a region the client would send a request for it first.
    region,
    partSize: MAX_BYTES,
    retryOptions: { disableRetry: true },
    transportAgent: secure ? new TlsAgent(agentOptions) : new Agent(agentOptions),
    transport: transportOver(secure ? requestOverTls : request, idleMs),
  });
}

/**
 * Wraps the transport of the client, which has no timeout, and which discards responses with a status that it considers
 * retryable, with their reason and without releasing the socket.
 */
function transportOver(send: typeof request, idleMs: number): Pick<typeof import('node:http'), 'request'> {
  const ask = (options: RequestOptions, onAnswer: (answer: IncomingMessage) => void): ClientRequest => {
    const sent = send(options, (answer) => onAnswer(asFinal(answer)));
    sent.setTimeout(idleMs, () => {
      sent.destroy(Object.assign(new Error(`no data for ${idleMs} ms`), { code: 'ETIMEDOUT' }));
    });
    return sent;
  };
  // The client uses only this overload.
  return { request: ask as typeof request };
}

/** Sets a status that the client does not consider retryable, so that it reads the reason; adds one if there is none. */
function asFinal(answer: IncomingMessage): IncomingMessage {
  const { statusCode = 0, headers } = answer;
  if (statusCode < 500 && ![408, 429, 499].includes(statusCode)) return answer;
  answer.statusCode = 599;
  headers['x-minio-error-code'] ??= statusCode === 503 ? 'SlowDown' : `Status${statusCode}`;
  headers['x-minio-error-desc'] ??= `it responded with status ${statusCode}`;
  return answer;
}

function headersOf({ onlyIf, note }: PutOptions): Record<string, string> {
  return {
    ...(onlyIf === 'absent' && { 'If-None-Match': '*' }),
    ...(typeof onlyIf === 'object' && { 'If-Match': `"${onlyIf.etag}"` }),
    ...(note !== undefined && { [NOTE]: note }),
  };
}

async function bodyOf(answer: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function headOf({ size, etag, metaData }: BucketItemStat): S3Head {
  return { size, etag, note: `${metaData[NOTE.replace('x-amz-meta-', '')] ?? ''}` };
}

function unquoted(etag = ''): string {
  return etag.replace(/^"|"$/g, '');
}

/** One page of the keys of a bucket. */
export interface Listing {
  /** In the order of the response. */
  readonly names: readonly string[];
  /** Token of the next page; absent on the last one. */
  readonly next?: string;
}

/** The query for a page of at most `size` names that start with `prefix`; `token` is the `next` of the previous page. */
export function listingQuery(prefix: string, size: number, token: string | undefined): string {
  const query = new Map([
    ['list-type', '2'],
    ['encoding-type', 'url'],
    ['max-keys', `${size}`],
    ['prefix', prefix],
  ]);
  if (token !== undefined) query.set('continuation-token', token);
  const parts = [...query].map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  // The signature covers the sorted query.
  return parts.sort().join('&');
}

/**
 * Reads the answer of ListObjectsV2. The client's own parser reads names that look like numbers as numbers: 007 becomes 7.
 * Here an answer needs no more than its elements, since `encoding-type=url` keeps names free of anything that XML would escape.
 * @returns undefined for any other text
 */
export function parseListing(xml: string): Listing | undefined {
  if (!/<ListBucketResult[\s>]/.test(xml)) return undefined;
  const names = [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name = '']) => decode(name));
  const next = /<NextContinuationToken>([^<]*)<\/NextContinuationToken>/.exec(xml)?.[1];
  const more = /<IsTruncated>true<\/IsTruncated>/.test(xml);
  return { names, ...(more && next !== undefined && { next: unescapeXml(next) }) };
}

/** A name that is not a valid encoding is not ours, and is returned unchanged. */
function decode(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
  '#34': '"',
  '#39': "'",
};

function unescapeXml(text: string): string {
  return text.replace(/&([a-z]+|#\d+);/g, (entity, name: string) => ENTITIES[name] ?? entity);
}
