import { expect, test } from 'vitest';
import { assertOwnCheckpoint } from './links.js';

const blobOf = (runId: string, digit: string) => {
  const sha256 = digit.repeat(64);
  return { key: `runs/${runId}/blobs/0.1/${sha256}.safetensors`, sha256, bytes: 8 };
};
const validation = { metrics: { accuracy: 0.5, nll: 1 }, examples: 4 };
const reported = (state: string, params: string) => () =>
  assertOwnCheckpoint(
    {
      kind: 'checkpoint',
      checkpoint: { step: 4, state: blobOf(state, 'a'), best: { step: 4, validation, params: blobOf(params, 'b') } },
    },
    'mine',
    'student',
  );

test('a trainer may report blobs of its run', () => {
  expect(reported('mine', 'mine')).not.toThrow();
});

test.each([
  ['state', 'yours', 'mine'],
  ['best params', 'mine', 'yours'],
])('a trainer may not report the %s of another run', (_what, state, params) => {
  expect(reported(state, params)).toThrow(
    expect.objectContaining({
      kind: 'out-of-step',
      message: 'the student reported a checkpoint with a blob that is not of run mine',
    }),
  );
});
