import { TrikdError } from '@trikd/core/domain/errors';

/** What the codes of S3, and of the connection to it, mean to an operator. */
const MEANINGS: Readonly<Record<string, string>> = {
  AccessDenied: 'access is denied to these credentials',
  InvalidAccessKeyId: 'it does not know the access key',
  SignatureDoesNotMatch: 'the secret key does not fit the access key',
  NoSuchBucket: 'there is no such bucket; make it, for example with: mc mb ALIAS/BUCKET',
  XMinioStorageFull: 'its disk is full',
  InsufficientStorage: 'its disk is full',
  QuotaExceeded: 'the quota of the bucket is used up',
  XMinioAdminBucketQuotaExceeded: 'the quota of the bucket is used up',
  RequestTimeTooSkewed: 'its clock and the one of this machine differ too much',
  SlowDown: 'it is too busy, or it is starting',
  SlowDownRead: 'it is too busy',
  SlowDownWrite: 'it is too busy',
  ServiceUnavailable: 'it is too busy, or it is starting',
  XMinioServerNotInitialized: 'it is starting',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'it broke the connection',
  EPIPE: 'it broke the connection',
  ETIMEDOUT: 'it does not answer',
  ENOTFOUND: 'there is no host of this name',
  EHOSTUNREACH: 'there is no way to this host',
};

/** Codes that somebody must do something about: to ask again in a second changes nothing. */
const LASTING: ReadonlySet<string> = new Set([
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

/** What the codes that a key brings upon itself mean. */
const BAD_KEYS: Readonly<Record<string, string>> = {
  KeyTooLongError: 'it is too long',
  XMinioInvalidObjectName: 'it, or a part of it, is too long',
  XMinioParentIsObject: 'one key is the folder of another',
  XMinioObjectExistsAsDirectory: 'one key is the folder of another',
};

/**
 * Says what a request to S3 came to in our words.
 * @param place The store, as in `S3Api.place`.
 * @param key What was asked for; without it no refusal is the key's fault.
 * @returns TrikdError 'invalid' for a key that cannot be, 'unavailable' for the rest; a TrikdError comes back as it is
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
  const meaning = MEANINGS[code] ?? messageOf(cause);
  return new TrikdError('unavailable', `store ${place}: ${meaning} (${code})`, { place, code }, { cause });
}

/** Something about the answers of a store that may be otherwise the next time. */
export function oddAnswer(place: string, what: string): TrikdError {
  return new TrikdError('unavailable', `store ${place}: ${what}`, { place, code: 'OddAnswer' });
}

/** Whether to ask again soon may help. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof TrikdError) || error.kind !== 'unavailable') return false;
  const { code } = error.details;
  return typeof code === 'string' && !LASTING.has(code);
}

/** A failure may come without a code: a proxy in between answers with a page of its own. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no code';
  // A host with several addresses: what the first of them came to.
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return 'code' in error && typeof error.code === 'string' && error.code !== '' ? error.code : 'no code';
}

function messageOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message === '' ? 'it failed without saying why' : message;
}
