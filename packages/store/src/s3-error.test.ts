import { TrikdError } from '@trikd/core/domain/errors';
import { expect, test } from 'vitest';
import { isPassing, s3Error } from './s3-error.js';

const place = 'http://minio:9000/runs';

test.each([
  ['AccessDenied', 'access is denied to these credentials', false],
  ['NoSuchBucket', 'there is no such bucket; make it, for example with: mc mb ALIAS/BUCKET', false],
  ['XMinioStorageFull', 'its disk is full', false],
  ['SlowDown', 'it is too busy, or it is starting', true],
  ['ECONNREFUSED', 'nobody listens there', true],
  ['InternalError', 'as the store says it', true],
])('%s is unavailable: %s', (code, meaning, passing) => {
  const cause = Object.assign(new Error('as the store says it'), { code });
  const error = s3Error(place, cause, 'a');
  expect(error).toMatchObject({ kind: 'unavailable', message: `store ${place}: ${meaning} (${code})`, cause });
  expect(isPassing(error)).toBe(passing);
});

test('a key that cannot be is invalid', () => {
  const cause = Object.assign(new Error(), { code: 'KeyTooLongError' });
  expect(s3Error(place, cause, 'a')).toMatchObject({
    kind: 'invalid',
    message: `store ${place}: key a: it is too long (KeyTooLongError)`,
  });
});

test('an answer without a code, as a proxy in between gives it, may be another the next time', () => {
  const error = s3Error(place, Object.assign(new Error(), { code: undefined }));
  expect(error.message).toBe(`store ${place}: it failed without saying why (no code)`);
  expect(isPassing(error)).toBe(true);
});

test('of a host with several addresses, the first says what is wrong', () => {
  const refused = Object.assign(new Error(), { code: 'ECONNREFUSED' });
  expect(s3Error(place, new AggregateError([refused, refused])).message).toContain('nobody listens there');
});

test('an error of ours stays as it is', () => {
  const error = new TrikdError('corrupt', 'x');
  expect(s3Error(place, error)).toBe(error);
  expect(isPassing(error)).toBe(false);
});
