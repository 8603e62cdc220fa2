import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorKind, TrikdError } from '@trikd/core/domain/errors';
import { describe, expect, test } from 'vitest';
import { BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo } from './gen/node/google/rpc/error_details.js';
import { Status } from './gen/node/google/rpc/status.js';
import { fromStatus, httpStatusOf, isDisconnect, toStatus, violationsOf } from './status.js';

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  ErrorInfo: ErrorInfo.decode,
  BadRequest: BadRequest.decode,
  PreconditionFailure: PreconditionFailure.decode,
  ResourceInfo: ResourceInfo.decode,
};

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
    ['unauthenticated', status.UNAUTHENTICATED],
    ['forbidden', status.PERMISSION_DENIED],
    ['exhausted', status.RESOURCE_EXHAUSTED],
  ])('carries the kind %s to the client', (kind, code) => {
    const sent = toStatus(new TrikdError(kind, 'step 12 went wrong'));
    expect(sent).toMatchObject({ code, details: 'step 12 went wrong' });
    expect(fromStatus(received(sent.code, sent.details, sent.metadata), 'the teacher')).toMatchObject({
      kind,
      message: 'the teacher: step 12 went wrong',
    });
  });

  test('has the kind, field, run and phase of an error for programs', () => {
    const details = (error: TrikdError) => {
      const [bytes] = toStatus(error).metadata.get('grpc-status-details-bin');
      return Status.decode(Buffer.from(bytes ?? '')).details.map(({ typeUrl, value }) => ({
        type: typeUrl.replace('type.googleapis.com/google.rpc.', ''),
        value: DECODERS[typeUrl.slice(typeUrl.lastIndexOf('.') + 1)]?.(value),
      }));
    };
    const violations = [{ field: 'spec.epochs', description: 'too small' }];
    expect(details(new TrikdError('invalid', 'the spec is invalid', { violations }))).toMatchObject([
      { type: 'ErrorInfo', value: { reason: 'INVALID', domain: 'trikd' } },
      { type: 'BadRequest', value: { fieldViolations: violations } },
    ]);
    expect(details(new TrikdError('wrong-state', 'it is training', { run: 'trial', phase: 'training' }))).toMatchObject(
      [
        { value: { reason: 'WRONG_STATE', metadata: { run: 'trial', phase: 'training' } } },
        { type: 'PreconditionFailure', value: { violations: [{ type: 'RUN_PHASE', subject: 'runs/trial' }] } },
      ],
    );
    expect(details(new TrikdError('wrong-state', 'a leads', { leader: 'a' }))).toMatchObject([
      { value: { metadata: { leader: 'a' } } },
      { value: { violations: [{ type: 'LEADERSHIP', subject: 'orchestrator' }] } },
    ]);
    expect(details(new TrikdError('not-found', 'there is no run trial', { run: 'trial' }))).toMatchObject([
      { value: { reason: 'NOT_FOUND' } },
      { type: 'ResourceInfo', value: { resourceType: 'trikd.v1.Run', resourceName: 'trial' } },
    ]);
  });

  test('fits into a trailer, however long the error is', () => {
    const violations = Array.from({ length: 1000 }, (_, i) => ({ field: `spec.${i}`, description: 'x'.repeat(5000) }));
    const error = new TrikdError('invalid', 'y'.repeat(100_000), { violations, run: 'z'.repeat(9000) });
    const [bytes] = toStatus(error).metadata.get('grpc-status-details-bin');
    expect(bytes?.length).toBeGreaterThan(500);
    expect(bytes?.length).toBeLessThanOrEqual(3000);
  });

  test('does not contain the message of another error', () => {
    expect(toStatus(new Error('password in here'))).toMatchObject({ code: status.INTERNAL, details: 'internal error' });
    const error = fromStatus(received(status.INTERNAL, 'internal error'), 'the anchor');
    expect(error).not.toBeInstanceOf(TrikdError);
    expect(error.message).toBe('the anchor: internal error (INTERNAL)');
  });

  test('determines the kind from the code if none was sent', () => {
    expect(fromStatus(received(status.DEADLINE_EXCEEDED, 'too late'), 'x')).toMatchObject({ kind: 'unavailable' });
    const nonsense = new Metadata();
    nonsense.set('trikd-error-kind', 'toString');
    expect(fromStatus(received(status.NOT_FOUND, 'gone', nonsense), 'x')).toMatchObject({ kind: 'not-found' });
  });

  test('counts a message that is too large as invalid, because sending it again cannot help', () => {
    expect(fromStatus(received(status.RESOURCE_EXHAUSTED, 'message larger than max'), 'x')).toMatchObject({
      kind: 'invalid',
    });
  });

  test.each([
    [status.UNAUTHENTICATED, 401],
    [status.PERMISSION_DENIED, 403],
    [status.RESOURCE_EXHAUSTED, 429],
  ])('answers gRPC status %i over HTTP with %i', (code, http) => {
    expect(httpStatusOf(code)).toBe(http);
  });

  test('distinguishes a lost connection from a response', () => {
    expect(isDisconnect(received(status.UNAVAILABLE, ''))).toBe(true);
    expect(isDisconnect(received(status.ABORTED, ''))).toBe(false);
    expect(isDisconnect(new Error('UNAVAILABLE'))).toBe(false);
  });
});

function refusal(): Error {
  const value = Buffer.from(
    BadRequest.encode({ fieldViolations: [{ field: 'spec.epochs', description: 'is not a number' }] }).finish(),
  );
  const details = [
    { typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: Buffer.alloc(0) },
    { typeUrl: 'type.googleapis.com/google.rpc.BadRequest', value },
  ];
  const metadata = new Metadata();
  const code = status.INVALID_ARGUMENT;
  metadata.set('grpc-status-details-bin', Buffer.from(Status.encode({ code, message: 'no', details }).finish()));
  return Object.assign(new Error('no'), { code, details: 'no', metadata });
}

describe('violationsOf', () => {
  test('reads the invalid fields from a status, and from the error made of it', () => {
    const blamed = [{ field: 'spec.epochs', description: 'is not a number' }];
    expect(violationsOf(refusal())).toEqual(blamed);
    expect(violationsOf(fromStatus(refusal(), 'the orchestrator'))).toEqual(blamed);
  });

  test('finds none in a status without details, and in other values', () => {
    expect(violationsOf(Object.assign(new Error('no'), { metadata: new Metadata() }))).toEqual([]);
    expect(violationsOf('no')).toEqual([]);
  });
});
