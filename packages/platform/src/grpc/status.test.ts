import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorKind, TrikdError } from '@trikd/core/errors';
import { describe, expect, test } from 'vitest';
import { fromStatus, isDisconnect, toStatus } from './status.js';

const received = (code: status, details: string, metadata = new Metadata()): ServiceError =>
  Object.assign(new Error(details), { code, details, metadata });

describe('status', () => {
  test.each<[ErrorKind, status]>([
    ['invalid', status.INVALID_ARGUMENT],
    ['not-found', status.NOT_FOUND],
    ['wrong-state', status.FAILED_PRECONDITION],
    ['out-of-step', status.ABORTED],
    ['diverged', status.FAILED_PRECONDITION],
    ['corrupt', status.DATA_LOSS],
    ['unavailable', status.UNAVAILABLE],
  ])('carries the kind %s there and back', (kind, code) => {
    const sent = toStatus(new TrikdError(kind, 'step 12 went wrong'));
    expect(sent).toMatchObject({ code, details: 'step 12 went wrong' });
    expect(fromStatus(received(sent.code, sent.details, sent.metadata), 'the teacher')).toMatchObject({
      kind,
      message: 'the teacher: step 12 went wrong',
    });
  });

  test('keeps the message of a foreign error at home', () => {
    expect(toStatus(new Error('password in here'))).toMatchObject({ code: status.INTERNAL, details: 'internal error' });
    const error = fromStatus(received(status.INTERNAL, 'internal error'), 'the anchor');
    expect(error).not.toBeInstanceOf(TrikdError);
    expect(error.message).toBe('the anchor: internal error (INTERNAL)');
  });

  test('takes the kind from the code when no kind was sent', () => {
    expect(fromStatus(received(status.DEADLINE_EXCEEDED, 'too late'), 'x')).toMatchObject({ kind: 'unavailable' });
    const nonsense = new Metadata();
    nonsense.set('trikd-error-kind', 'toString');
    expect(fromStatus(received(status.NOT_FOUND, 'gone', nonsense), 'x')).toMatchObject({ kind: 'not-found' });
  });

  test('tells a lost connection from an answer', () => {
    expect(isDisconnect(received(status.UNAVAILABLE, ''))).toBe(true);
    expect(isDisconnect(received(status.ABORTED, ''))).toBe(false);
    expect(isDisconnect(new Error('UNAVAILABLE'))).toBe(false);
  });
});
