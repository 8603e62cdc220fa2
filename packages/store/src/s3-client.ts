import { Agent, type ClientRequest, IncomingMessage, type RequestOptions, request } from 'node:http';
import { request as requestOverTls, Agent as TlsAgent } from 'node:https';
import { TrikdError } from '@trikd/core/domain/errors';
import { type BucketItemStat, Client } from 'minio';
import type { PutOptions, S3Api, S3Head } from './s3-api.js';
import { codeOf, oddAnswer, s3Error } from './s3-error.js';
import { listingQuery, parseListing } from './s3-listing.js';
import type { S3Credentials } from './store-config.js';

/** Where a bucket is, and as whom to speak to it. */
export interface S3Place extends S3Credentials {
  /** http://host:port or https://host:port. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  /** Of all keys, without the slash that follows it. */
  readonly prefix?: string | undefined;
}

export interface S3ClientOptions {
  /** How long a request may stand still before it counts as lost. Default 10 s. */
  readonly idleMs?: number;
  /** Keys of one page of a listing. At most 1000, the default. */
  readonly pageKeys?: number;
}

/** Sockets to the store at once; further requests wait for one. */
const SOCKETS = 32;
/**
 * What S3 takes in one request. The client would send anything larger in parts: conditional writes in parts all win, for they are
 * judged when they begin, and what a killed process has sent of one stays in the bucket, unseen.
 */
const MAX_BYTES = 5 * 1024 ** 3;
const NOTE = 'x-amz-meta-trikd-writes';

/** Answers to a conditional write that say that its condition does not hold: the last two when there is nothing to replace. */
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

  /** What `work` gets, or undefined when it finds that there is no object. */
  const unlessAbsent = async <T>(key: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (ABSENT.has(codeOf(error))) return undefined;
      throw s3Error(name, error, key);
    }
  };
  const demandBucket = async () => {
    // An answer to HEAD has no body: a bucket that is gone looks like an object that is not there.
    if (await client.bucketExists(bucket)) return;
    throw Object.assign(new Error('The specified bucket does not exist'), { code: 'NoSuchBucket' });
  };

  return {
    place: name,
    put: async (key, bytes, putOptions = {}) => {
      if (bytes.byteLength > MAX_BYTES) {
        throw new TrikdError(
          'invalid',
          `key ${key}: ${bytes.byteLength} bytes are more than the ${MAX_BYTES} of one request`,
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
        if (!(answer instanceof IncomingMessage)) throw new Error('the client answers with no message of HTTP');
        const bytes = await bodyOf(answer);
        const size = Number(answer.headers['content-length']);
        if (bytes.length !== size) throw oddAnswer(name, `key ${key}: ${bytes.length} of ${size} bytes came`);
        return { bytes, size, etag: unquoted(answer.headers.etag), note: `${answer.headers[NOTE] ?? ''}` };
      }),
    head: (key) =>
      unlessAbsent(key, async () => {
        try {
          return headOf(await client.statObject(bucket, base + key));
        } catch (error) {
          if (ABSENT.has(codeOf(error))) await demandBucket();
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
          if (listing === undefined) throw oddAnswer(name, 'it answers a listing with something else');
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
    // The brackets of an IPv6 address belong to the URL.
    endPoint: hostname.replace(/^\[|\]$/g, ''),
    ...(port !== '' && { port: Number(port) }),
    useSSL: secure,
    accessKey,
    secretKey: secretKey.reveal(),
    // Without a region the client asks for the bucket's own before the first request.
    region,
    partSize: MAX_BYTES,
    retryOptions: { disableRetry: true },
    transportAgent: secure ? new TlsAgent(agentOptions) : new Agent(agentOptions),
    transport: transportOver(secure ? requestOverTls : request, idleMs),
  });
}

/**
 * What the client sends and gets passes through here. It would wait for ever for a server that stopped answering; and an answer
 * with a status that it knows how to repeat, it would throw away with its reason, without giving back the socket.
 */
function transportOver(send: typeof request, idleMs: number): Pick<typeof import('node:http'), 'request'> {
  const ask = (options: RequestOptions, onAnswer: (answer: IncomingMessage) => void): ClientRequest => {
    const sent = send(options, (answer) => onAnswer(asFinal(answer)));
    sent.setTimeout(idleMs, () => {
      sent.destroy(Object.assign(new Error(`nothing came for ${idleMs} ms`), { code: 'ETIMEDOUT' }));
    });
    return sent;
  };
  // The client uses this one of its forms.
  return { request: ask as typeof request };
}

/** A status that nobody repeats, so that the client reads why; and a reason for an answer that has no body to give one. */
function asFinal(answer: IncomingMessage): IncomingMessage {
  const { statusCode = 0, headers } = answer;
  if (statusCode < 500 && ![408, 429, 499].includes(statusCode)) return answer;
  answer.statusCode = 599;
  headers['x-minio-error-code'] ??= statusCode === 503 ? 'SlowDown' : `Status${statusCode}`;
  headers['x-minio-error-desc'] ??= `it answers with status ${statusCode}`;
  return answer;
}

function headersOf({ onlyIf, note }: PutOptions): Record<string, string> {
  return {
    ...(onlyIf === 'absent' && { 'If-None-Match': '*' }),
    ...(typeof onlyIf === 'object' && { 'If-Match': `"${onlyIf.etag}"` }),
    ...(note !== undefined && { [NOTE]: note }),
  };
}

async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
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
