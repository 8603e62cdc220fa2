import { Metadata } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { type Caller, callerOf, setCaller } from './caller.js';

const teacher: Caller = { kind: 'service', role: 'teacher-trainer', id: 'spiffe://trikd/ns/lab/sa/teacher-trainer' };

describe('callerOf', () => {
  test('returns the caller that was determined for the metadata of a call', () => {
    const metadata = new Metadata();
    setCaller(metadata, teacher);
    expect(callerOf(metadata)).toBe(teacher);
  });

  test('does not take a caller over from equal metadata', () => {
    const metadata = new Metadata();
    metadata.set('caller', 'orchestrator');
    setCaller(metadata, teacher);
    expect(() => callerOf(metadata.clone())).toThrow(expect.objectContaining({ kind: 'unauthenticated' }));
  });
});
