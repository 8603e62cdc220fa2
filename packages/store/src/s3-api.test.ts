import { TrikdError } from '@trikd/core/domain/errors';
import { expect, test } from 'vitest';
import { isTransient, s3Error } from './s3-api.js';

const place = 'http://minio:9000/runs';

test.each([
  ['AccessDenied', 'access denied to these credentials', false],
  ['NoSuchBucket', 'there is no such bucket; create it, for example with: mc mb ALIAS/BUCKET', false],
  ['XMinioStorageFull', 'its disk is full', false],
  ['SlowDown', 'it is too busy, or it is starting', true],
  ['ECONNREFUSED', 'connection refused', true],
  ['InternalError', 'the message of the store', true],
])('%s is unavailable: %s', (code, meaning, transient) => {
  const cause = Object.assign(new Error('the message of the store'), { code });
  const error = s3Error(place, cause, 'a');
  expect(error).toMatchObject({ kind: 'unavailable', message: `store ${place}: ${meaning} (${code})`, cause });
  expect(isTransient(error)).toBe(transient);
});

test('a key that cannot be stored is invalid', () => {
  const cause = Object.assign(new Error(), { code: 'KeyTooLongError' });
  expect(s3Error(place, cause, 'a')).toMatchObject({
    kind: 'invalid',
    message: `store ${place}: key a: the key is too long (KeyTooLongError)`,
  });
});

test('a response without a code, as from a proxy in between, is transient', () => {
  const error = s3Error(place, Object.assign(new Error(), { code: undefined }));
  expect(error.message).toBe(`store ${place}: it failed without a reason (no code)`);
  expect(isTransient(error)).toBe(true);
});

test('for a host with several addresses, the error of the first is reported', () => {
  const refused = Object.assign(new Error(), { code: 'ECONNREFUSED' });
  expect(s3Error(place, new AggregateError([refused, refused])).message).toContain('connection refused');
});

test('a TrikdError is returned unchanged', () => {
  const error = new TrikdError('corrupt', 'x');
  expect(s3Error(place, error)).toBe(error);
  expect(isTransient(error)).toBe(false);
});
