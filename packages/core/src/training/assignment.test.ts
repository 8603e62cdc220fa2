import { specFor } from '@trikd/testing/specs/spec-for';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { describe, expect, test } from 'vitest';
import type { RoleCheckpoint } from '../domain/role-checkpoint.js';
import {
  type Assignment,
  assertAssignment,
  assertFrozenAssignment,
  assertNotFenced,
  type FrozenAssignment,
  isSameOrder,
  type Order,
} from './assignment.js';

const spec = specFor('bare', { name: 'mine' });
const attempt = { runId: 'mine', stage: 1, attempt: 2 };
const blobOf = (runId: string, digit = 'a') => {
  const sha256 = digit.repeat(64);
  return { key: `runs/${runId}/blobs/1.2/${sha256}.safetensors`, sha256, bytes: 8 };
};
const validation = { metrics: { accuracy: 0.5, nll: 1 }, examples: 4 };
const resume: RoleCheckpoint = {
  step: 4,
  state: blobOf('mine'),
  best: { step: 4, validation, params: blobOf('mine', 'b') },
};
const assignment: Assignment = {
  attempt,
  term: 1,
  exchangeSecret: SECRET,
  spec,
  limit: 8,
  resume,
  sources: { teacher: 'a:1', anchor: 'b:2' },
  promoted: true,
};
const load: FrozenAssignment = {
  start: { ...attempt, step: 0 },
  term: 1,
  exchangeSecret: SECRET,
  spec,
  params: { anchor: blobOf('mine') },
};

test('orders of which every part is of the run are accepted', () => {
  expect(() => assertAssignment(assignment)).not.toThrow();
  expect(() => assertFrozenAssignment(load)).not.toThrow();
});

const best = resume.best!;
test.each<[string, Partial<Assignment>, RegExp]>([
  ['of another run', { attempt: { ...attempt, runId: 'yours' } }, /position is of run yours, the spec of run mine/],
  ['with a path for a run', { attempt: { ...attempt, runId: 'mine/../yours' } }, /the spec of run mine/],
  ['that resumes from the state of another run', { resume: { ...resume, state: blobOf('yours') } }, /^the state must/],
  [
    'whose best params are of another run',
    { resume: { ...resume, best: { ...best, params: blobOf('yours') } } },
    /^the best params must be a blob that an attempt of run mine has stored$/,
  ],
  ['that starts from params of another run', { init: blobOf('yours') }, /^the initial params must/],
  ['whose best params are newer than its state', { resume: { ...resume, best: { ...best, step: 5 } } }, /of step 5/],
  [
    'whose score is not a number',
    { resume: { ...resume, best: { ...best, validation: { ...validation, metrics: { accuracy: Number.NaN } } } } },
    /^the score of the best params must have accuracy, finite numbers/,
  ],
  [
    'whose score is not of its task',
    { resume: { ...resume, best: { ...best, validation: { ...validation, metrics: { nll: 1 } } } } },
    /must have accuracy/,
  ],
  [
    'whose score has a share above 1',
    { resume: { ...resume, best: { ...best, test: { ...validation, metrics: { accuracy: 0.5, ece: 2 } } } } },
    /shares from 0 to 1/,
  ],
  ['that names a socket', { sources: { teacher: 'unix:/run/docker.sock' } }, /must be host:port/],
  ['that names a name server', { sources: { anchor: 'dns://10.0.0.1/x:1' } }, /must be host:port/],
])('an assignment %s is invalid', (_what, changed, says) => {
  expect(() => assertAssignment({ ...assignment, ...changed })).toThrow(
    expect.objectContaining({ kind: 'invalid', message: expect.stringMatching(says) }),
  );
});

test.each([
  ['the lease', 'leases/orchestrator.json'],
  ['the state of its run', 'runs/mine/state.json'],
  ['params of another run', blobOf('yours').key],
])('a load of %s is refused without a word about what is there', (_what, key) => {
  expect(() => assertFrozenAssignment({ ...load, params: { anchor: { ...blobOf('mine'), key } } })).toThrow(
    'the params of the anchor must be a blob that an attempt of run mine has stored',
  );
});

const LARGEST = 2 ** 32 - 1;
const order = (term: number, stage: number, attempt: number, runId = 'r'): Order => ({
  attempt: { runId, stage, attempt },
  term,
});
const refused = (asked: Order, active: Order | undefined) => () => assertNotFenced(asked, active);

describe('an active order fences out', () => {
  test('every order of an earlier term, also of another run', () => {
    expect(refused(order(3, 9, 9), order(4, 0, 1))).toThrow(
      expect.objectContaining({
        kind: 'out-of-step',
        message: 'run r stage 9 attempt 9 is ordered in term 3, another orchestrator leads in term 4',
      }),
    );
    expect(refused(order(3, 0, 1, 'other'), order(4, 0, 1))).toThrow(/another orchestrator leads in term 4/);
  });

  test('a lower attempt of the same run in the same term', () => {
    const message = 'run r stage 0 attempt 1 comes after run r stage 0 attempt 2';
    expect(refused(order(4, 0, 1), order(4, 0, 2))).toThrow(expect.objectContaining({ kind: 'out-of-step', message }));
    expect(refused(order(4, 0, 9), order(4, 1, 1))).toThrow(/comes after/);
  });
});

describe('an active order does not fence out', () => {
  test.each([
    ['itself', order(4, 1, 2)],
    ['a higher attempt', order(4, 1, 3)],
    ['another run of the same term', order(4, 0, 1, 'other')],
    ['a later term, whatever its attempt', order(5, 0, 1)],
  ])('%s', (_name, asked) => {
    expect(refused(asked, order(4, 1, 2))).not.toThrow();
  });

  test('a later term, when its attempt is the largest of all', () => {
    expect(refused(order(5, 0, 2), order(4, LARGEST, LARGEST))).not.toThrow();
  });
});

test('no order fences out nothing', () => {
  expect(refused(order(1, 0, 1), undefined)).not.toThrow();
});

test('the same attempt in another term is another order', () => {
  expect(isSameOrder(order(1, 0, 1), order(1, 0, 1))).toBe(true);
  expect(isSameOrder(order(1, 0, 1), order(2, 0, 1))).toBe(false);
});
