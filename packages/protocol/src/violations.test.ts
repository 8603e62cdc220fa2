import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { BadRequest } from './gen/node/google/rpc/error_details.js';
import { Status } from './gen/node/google/rpc/status.js';
import { fromStatus } from './status.js';
import { violationsOf } from './violations.js';

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
  test('reads the fields that a status blames, also through the error that it became', () => {
    const blamed = [{ field: 'spec.epochs', description: 'is not a number' }];
    expect(violationsOf(refusal())).toEqual(blamed);
    expect(violationsOf(fromStatus(refusal(), 'the orchestrator'))).toEqual(blamed);
  });

  test('finds none in a status without details, and in what is no status', () => {
    expect(violationsOf(Object.assign(new Error('no'), { metadata: new Metadata() }))).toEqual([]);
    expect(violationsOf('no')).toEqual([]);
  });
});
