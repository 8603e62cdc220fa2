import { messageOf, TrikdError } from '@trikd/core/domain/errors';

/** The metadata of an object in S3. */
export interface S3Head {
  /** Bytes of the object. */
  readonly size: number;
  /** Digest of the content, without quotes. The MD5, unless the server keeps objects encrypted. */
  readonly etag: string;
  /** The `PutOptions.note` of its writer; empty if there is none. */
  readonly note: string;
}

export interface S3Object extends S3Head {
  readonly bytes: Uint8Array;
}

export interface PutOptions {
  /** Only if there is no object with this key, or only to replace the one with this ETag. */
  readonly onlyIf?: 'absent' | { readonly etag: string };
  /** Stored with the object. Letters, digits, `.`, `-` and spaces, at most 1000 characters. */
  readonly note?: string;
}

/**
 * The requests of S3 that a store needs. Each method sends one request, except for listings with several pages and for an
 * ambiguous HEAD. None is retried: a repeated conditional write would be refused because of its own success. Keys are
 * those of the store.
 *
 * Errors are TrikdErrors made by `s3Error`.
 */
export interface S3Api {
  /** Names the store in messages: `http://host:9000/bucket`. */
  readonly place: string;
  /** @returns the ETag of the new object, or 'refused' if `onlyIf` does not hold */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ readonly etag: string } | 'refused'>;
  get(key: string): Promise<S3Object | undefined>;
  /** `length` bytes from an offset on, fewer at the end of the object; none where it has ended. Undefined if there is no object. */
  part(key: string, offset: number, length: number): Promise<Uint8Array | undefined>;
  head(key: string): Promise<S3Head | undefined>;
  /** Keys that start with `prefix`, in any order. */
  list(prefix: string): Promise<readonly string[]>;
  /** Removes the object, if it exists. Unconditional, since MinIO ignores If-Match here. */
  remove(key: string): Promise<void>;
}

/** The meaning of the codes of S3, and of connection errors. */
const MEANINGS: Readonly<Record<string, string>> = {
  AccessDenied: 'access denied to these credentials',
  InvalidAccessKeyId: 'unknown access key',
  SignatureDoesNotMatch: 'the secret key does not match the access key',
  NoSuchBucket: 'there is no such bucket; create it, for example with: mc mb ALIAS/BUCKET',
  XMinioStorageFull: 'its disk is full',
  InsufficientStorage: 'its disk is full',
  QuotaExceeded: 'the bucket quota is exceeded',
  XMinioAdminBucketQuotaExceeded: 'the bucket quota is exceeded',
  RequestTimeTooSkewed: 'its clock and the clock of this machine differ too much',
  SlowDown: 'it is too busy, or it is starting',
  SlowDownRead: 'it is too busy',
  SlowDownWrite: 'it is too busy',
  ServiceUnavailable: 'it is too busy, or it is starting',
  XMinioServerNotInitialized: 'it is starting',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed by the server',
  EPIPE: 'connection closed by the server',
  ETIMEDOUT: 'no response',
  ENOTFOUND: 'unknown host',
  EHOSTUNREACH: 'no route to host',
};

/** Codes that need an operator: a retry does not help. */
const PERMANENT: ReadonlySet<string> = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'NoSuchBucket',
  'XMinioStorageFull',
  'InsufficientStorage',
  'QuotaExceeded',
  'XMinioAdminBucketQuotaExceeded',
  'RequestTimeTooSkewed',
  'AuthorizationHeaderMalformed',
  'PermanentRedirect',
  'MovedPermanently',
  'ENOTFOUND',
]);

/** The meaning of codes that the key itself causes. */
const BAD_KEYS: Readonly<Record<string, string>> = {
  KeyTooLongError: 'the key is too long',
  XMinioInvalidObjectName: 'the key, or a part of it, is too long',
  XMinioParentIsObject: 'one key is the folder of another',
  XMinioObjectExistsAsDirectory: 'one key is the folder of another',
};

/**
 * Converts the error of a request to S3.
 * @param place the store, as in `S3Api.place`
 * @param key the key of the request, if it has one
 * @returns TrikdError 'invalid' if the key cannot be stored, otherwise 'unavailable'; a TrikdError is returned unchanged
 */
export function s3Error(place: string, cause: unknown, key?: string): TrikdError {
  if (cause instanceof TrikdError) return cause;
  const code = codeOf(cause);
  const badKey = BAD_KEYS[code];
  if (badKey && key !== undefined) {
    return new TrikdError(
      'invalid',
      `store ${place}: key ${key}: ${badKey} (${code})`,
      { place, key, code },
      { cause },
    );
  }
  const meaning = MEANINGS[code] ?? reasonOf(cause);
  return new TrikdError('unavailable', `store ${place}: ${meaning} (${code})`, { place, code }, { cause });
}

/** An unexpected response, which may be different next time. */
export function unexpectedResponse(place: string, what: string): TrikdError {
  return new TrikdError('unavailable', `store ${place}: ${what}`, { place, code: 'UnexpectedResponse' });
}

/** Whether a retry may help. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof TrikdError) || error.kind !== 'unavailable') return false;
  const { code } = error.details;
  return typeof code === 'string' && !PERMANENT.has(code);
}

/** The code of an error; a response from a proxy in between may have none. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no code';
  // For a host with several addresses: the error of the first.
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return 'code' in error && typeof error.code === 'string' && error.code !== '' ? error.code : 'no code';
}

function reasonOf(cause: unknown): string {
  const message = messageOf(cause);
  return message === '' ? 'it failed without a reason' : message;
}
