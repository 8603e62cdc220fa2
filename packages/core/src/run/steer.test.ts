import { describe, expect, test } from 'vitest';
import { FAILURE_KINDS, type FailureKind, TrikdError } from '../domain/errors.js';
import { classification } from '../tasks/classification/classification.js';
import { candidateOf, firstState, hasEnded, MOST_MOVES_BY_HAND, type RunState, type StageResult } from './state.js';
import { howItStands, steer as steerTask } from './steer.js';
import { type Steering, verbsOf } from './verbs.js';

const steer = (state: RunState, request: Steering) => steerTask(state, request, classification);

const sha256 = 'a'.repeat(64);
const resultOf = (stage: number, promoted: boolean, accuracy = 0.8): StageResult => {
  const params = { key: `blobs/${stage}`, sha256, bytes: 8 };
  const best = { step: 4, validation: { metrics: { accuracy, nll: 0.5 }, examples: 400 }, params };
  const pair = { step: 4, manifestKey: `last-${stage}` };
  const learner = { best, stateSha256: sha256 };
  const learners = { student: learner, teacher: learner };
  return { stage, steps: 4, learners, candidate: 'student', promoted, pair };
};
const facts = { datasetDigest: sha256, classes: 4, totalSteps: 4, stepsPerEpoch: 1 };
/** In generation 3; the rule promoted 0 and refused 1, and 2 answers like chance. */
const resumable = {
  ...firstState,
  stage: 3,
  attempt: 2,
  results: [resultOf(0, true), resultOf(1, false), resultOf(2, false, 0.25)],
  moves: [{ by: 'rule' as const, to: 0, during: 0 }],
  facts,
  anchor: { stage: 0, params: candidateOf(resultOf(0, true))!.params },
  pairs: [{ step: 2, manifestKey: 'pair-2', convergence: { best: 0.7, sinceGain: 0 } }],
  losses: 1,
};
const { steps, learners, pair } = resultOf(3, false);
const outcome = { steps, learners, pair };
const { validation } = candidateOf(resultOf(0, true))!;
const frozen = { anchor: { validation, test: validation } };
const { stage, attempt, results, moves } = resumable;

const STATES = {
  queued: { ...resumable, phase: 'queued' },
  preparing: { ...resumable, phase: 'preparing' },
  training: { ...resumable, phase: 'training', frozen },
  promoting: { ...resumable, phase: 'promoting', frozen, outcome },
  waiting: { ...resumable, phase: 'waiting' },
  paused: { ...resumable, phase: 'paused' },
  completed: { phase: 'completed', stage, attempt, results, moves, facts },
  failed: { ...resumable, phase: 'failed', kind: 'unavailable', reason: 'the teacher is gone' },
  cancelled: { ...resumable, phase: 'cancelled' },
} as const satisfies { readonly [P in RunState['phase']]: RunState & { readonly phase: P } };
type Phase = RunState['phase'];
const PHASES = Object.keys(STATES).filter((name): name is Phase => name in STATES);

/** The phase after each request in each phase; undefined: the request is refused. */
const LAW: Readonly<Record<Steering['kind'], Readonly<Record<Phase, Phase | undefined>>>> = {
  triggered: {
    ...{ preparing: undefined, training: undefined, promoting: undefined, waiting: 'queued', paused: undefined },
    ...{ queued: undefined, completed: undefined, failed: undefined, cancelled: undefined },
  },
  paused: {
    ...{
      queued: 'paused',
      preparing: 'paused',
      training: 'paused',
      promoting: 'paused',
      waiting: undefined,
      paused: undefined,
    },
    ...{ completed: undefined, failed: undefined, cancelled: undefined },
  },
  resumed: {
    ...{ preparing: undefined, training: undefined, promoting: undefined, waiting: undefined, paused: 'queued' },
    ...{ queued: undefined, completed: undefined, failed: 'queued', cancelled: undefined },
  },
  cancelled: {
    ...{
      queued: 'cancelled',
      preparing: 'cancelled',
      training: 'cancelled',
      promoting: 'cancelled',
      waiting: 'cancelled',
    },
    ...{ paused: 'cancelled', completed: undefined, failed: undefined, cancelled: undefined },
  },
  promoted: {
    ...{ preparing: 'preparing', training: 'preparing', promoting: 'preparing', waiting: 'waiting', paused: 'paused' },
    ...{ queued: 'queued', completed: 'completed', failed: 'failed', cancelled: 'cancelled' },
  },
  'rolled-back': {
    ...{ preparing: 'preparing', training: 'preparing', promoting: 'preparing', waiting: 'waiting', paused: 'paused' },
    ...{ queued: 'queued', completed: 'completed', failed: 'failed', cancelled: 'cancelled' },
  },
};
const REQUESTS: Readonly<Record<Steering['kind'], Steering>> = {
  triggered: { kind: 'triggered' },
  paused: { kind: 'paused' },
  resumed: { kind: 'resumed' },
  cancelled: { kind: 'cancelled' },
  promoted: { kind: 'promoted', to: 1 },
  'rolled-back': { kind: 'rolled-back', to: 0 },
};

describe.each(Object.values(REQUESTS))('a request for a run to be $kind', (request) => {
  test.each(PHASES.map((phase) => [phase, LAW[request.kind][phase]]))('%s becomes %s', (phase, next) => {
    if (phase === undefined) throw new TypeError('every case names a phase');
    if (next !== undefined) return expect(steer(STATES[phase], request).phase).toBe(next);
    expect(() => steer(STATES[phase], request)).toThrow(TrikdError);
    expect(() => steer(STATES[phase], request)).toThrow(/^the run .*: it .*; it can be /);
  });
});

describe('the table of possible requests', () => {
  const kinds: readonly (FailureKind | undefined)[] = [undefined, ...FAILURE_KINDS];
  const stateOf = (phase: Phase, kind: FailureKind | undefined): RunState =>
    phase === 'failed' && kind ? { ...STATES.failed, kind } : STATES[phase];
  const accepts = (state: RunState, request: Steering) => {
    try {
      steer(state, request);
      return true;
    } catch {
      return false;
    }
  };

  test.each(PHASES)('names exactly what is accepted while a run is %s', (phase) => {
    for (const kind of phase === 'failed' ? kinds : [undefined]) {
      const state = stateOf(phase, kind);
      const accepted = Object.values(REQUESTS).filter((request) => accepts(state, request));
      const named = verbsOf(phase, kind).filter((verb) => verb !== 'deleted');
      expect(named.toSorted()).toEqual(accepted.map((request) => request.kind).toSorted());
      expect(verbsOf(phase, kind).includes('deleted')).toBe(hasEnded(state));
    }
  });

  test('is listed by a refusal', () => {
    expect(howItStands(STATES.waiting)).toBe('it waits for a trigger before stage 3; it can be triggered or cancelled');
    expect(howItStands(STATES.failed)).toBe('it failed in stage 3; it can be resumed or deleted');
    expect(howItStands({ ...STATES.failed, kind: 'diverged' })).toBe('it failed in stage 3; it can be deleted');
  });
});

describe('steering', () => {
  test('a paused run queues to continue from its last pair, as a new attempt', () => {
    const resumed = steer(steer(STATES.training, REQUESTS.paused), REQUESTS.resumed);
    expect(resumed).toEqual({ ...STATES.queued, attempt: 3, losses: 0 });
  });

  test('a candidate that was being judged is judged when the run continues', () => {
    const resting = steer(STATES.promoting, REQUESTS.paused);
    expect(resting).toMatchObject({ phase: 'paused', outcome, frozen });
    const queued = steer(resting, REQUESTS.resumed);
    expect(queued).toEqual({ ...STATES.queued, frozen, outcome, losses: 1 });
    expect(steer(steer(queued, REQUESTS.paused), REQUESTS.resumed)).toEqual(queued);
  });

  test('a cancelled run keeps its results and its last pair', () => {
    expect(steer(STATES.training, REQUESTS.cancelled)).toMatchObject({ attempt: 2, results, pairs: [{ step: 2 }] });
    expect(steer(STATES.promoting, REQUESTS.cancelled)).toMatchObject({ outcome });
  });

  test('a run that diverged is not resumed, since it would diverge again', () => {
    expect(() => steer({ ...STATES.failed, kind: 'diverged' }, REQUESTS.resumed)).toThrow('would fail again');
  });

  test('a student that the rule refused becomes the anchor, recorded as an override', () => {
    const at = '2026-01-02T03:04:05.000Z';
    expect(steer(STATES.training, { kind: 'promoted', to: 1, at })).toEqual({
      ...STATES.preparing,
      attempt: 3,
      anchor: { stage: 1, params: candidateOf(resultOf(1, false))!.params },
      moves: [...moves, { by: 'override', to: 1, during: 3, at }],
      pairs: [],
      losses: 0,
    });
  });

  test('a run can be rolled back to a student that was promoted by hand', () => {
    const promoted = steer(STATES.training, REQUESTS.promoted);
    const back = steer(steer(promoted, REQUESTS['rolled-back']), { kind: 'rolled-back', to: 1 });
    expect(back).toMatchObject({ anchor: { stage: 1 }, results });
    expect(back.moves.map(({ by, to }) => [by, to])).toEqual([
      ['rule', 0],
      ['override', 1],
      ['rollback', 0],
      ['rollback', 1],
    ]);
  });

  test.each<[number, string]>([
    [0, 'the student of generation 0 was promoted before: roll back to it'],
    [2, 'the student of generation 2 cannot be the anchor: it answers like chance'],
    [3, 'stage 3 has not ended: only stages up to 2 have'],
  ])('an override to stage %i is refused', (to, sentence) => {
    expect(() => steer(STATES.training, { kind: 'promoted', to })).toThrow(sentence);
  });

  test('what a stage without a candidate has trained cannot become the anchor', () => {
    const { candidate: _, ...result } = resultOf(1, false);
    const state = { ...STATES.training, results: results.with(1, result) };
    expect(() => steer(state, { kind: 'promoted', to: 1 })).toThrow(
      'the student of generation 1 cannot be the anchor: its stage trains no candidate',
    );
    expect(() => steer(state, { kind: 'rolled-back', to: 1 })).toThrow(
      'the student of generation 1 was not promoted: only those of 0 were',
    );
  });

  test('a candidate of another name than the student can be promoted', () => {
    const other = resultOf(4, false);
    const { student } = other.learners;
    const result: StageResult = { ...resultOf(1, false), learners: { small: student! }, candidate: 'small' };
    const state = { ...STATES.training, results: results.with(1, result) };
    expect(steer(state, { kind: 'promoted', to: 1 })).toMatchObject({
      anchor: { stage: 1, params: { key: 'blobs/4' } },
    });
  });

  test('the anchor can be moved by hand as often as the state has room for', () => {
    const byHand = (count: number): RunState => ({
      ...STATES.training,
      moves: Array.from({ length: count }, () => ({ by: 'rollback' as const, to: 0, during: 3 })),
    });
    const last = steer(byHand(MOST_MOVES_BY_HAND - 1), REQUESTS['rolled-back']);
    expect(last.moves).toHaveLength(MOST_MOVES_BY_HAND);
    expect(() => steer(last, REQUESTS['rolled-back'])).toThrow('was moved by hand 500 times');
    expect(steer(last, REQUESTS.paused).phase).toBe('paused');
  });

  test('a paused run that gets another anchor drops what it learned with the previous one', () => {
    const resting = steer(steer(STATES.promoting, REQUESTS.paused), REQUESTS.promoted);
    expect(resting).toMatchObject({
      phase: 'paused',
      attempt: 2,
      pairs: [],
      anchor: { stage: 1 },
    });
    expect('outcome' in resting).toBe(false);
  });
});
