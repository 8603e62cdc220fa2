import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { specFor } from '@trikd/testing/specs/spec-for';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FailureKind, TrikdError } from '../domain/errors.js';
import { RunSpec } from '../spec/run-spec.js';
import { advance, duty, flawOf, promotion, type RunTransition } from './advance.js';
import { firstState, MOST_PAIRS, type Outcome, RunState } from './state.js';

const rules = (curriculum: object = {}, retries = 2, keepPairs = 2) => ({
  spec: specFor('bare', { name: 'law', epochs: 4, curriculum }),
  retries,
  keepPairs,
});

const digest = 'd'.repeat(64);
const blob = (name: string) => ({ key: `blobs/${name}`, sha256: 'a'.repeat(64), bytes: 8 });
const best = (accuracy: number) => ({
  step: 4,
  validation: { metrics: { accuracy, nll: 0.5 }, examples: 400 },
  test: { metrics: { accuracy, nll: 0.5 }, examples: 400 },
  params: blob(`student-${accuracy}`),
});
const outcome = (accuracy: number): Outcome => ({
  steps: 4,
  learners: {
    student: { best: best(accuracy), stateSha256: 'b'.repeat(64) },
    teacher: { best: best(0.95), stateSha256: 'c'.repeat(64) },
  },
  pair: { step: 4, manifestKey: 'pair-4' },
});
const assigned = (anchor?: number): RunTransition => ({
  kind: 'assigned',
  facts: { datasetDigest: digest, classes: 4, totalSteps: 4, stepsPerEpoch: 1 },
  ...(anchor !== undefined && { frozen: { anchor: { validation: best(anchor).validation, test: best(anchor).test } } }),
});
const committed = (step: number): RunTransition => ({
  kind: 'pair-committed',
  pair: { step, manifestKey: `pair-${step}` },
  validations: [{ step, value: 0.5 }],
});
const trained = (accuracy: number): RunTransition => ({ kind: 'stage-trained', outcome: outcome(accuracy) });
const verified: RunTransition = { kind: 'candidate-verified' };
const lost = (error: FailureKind): RunTransition => ({ kind: 'attempt-lost', error, message: 'the teacher is gone' });

const damaged = (pair: number): RunTransition => ({
  ...{ kind: 'attempt-lost', error: 'corrupt', message: 'a blob is gone', pair },
});

const placed: RunTransition = { kind: 'placed' };
const first = advance(firstState, placed, rules());

const displaced: RunTransition = {
  kind: 'displaced',
  by: { why: 'trio-draining', message: 'trio trio-1 is draining' },
};

const after = (events: readonly RunTransition[], by = rules(), from: RunState = first) =>
  events.reduce((state, event) => advance(state, event, by), from);

describe('advance', () => {
  test('makes the student of a generation the anchor of the next, which starts without checkpoints', () => {
    const next = after([assigned(), committed(2), trained(0.8), verified]);
    expect(next).toMatchObject({
      phase: 'preparing',
      stage: 1,
      attempt: 1,
      anchor: { stage: 0, params: blob('student-0.8') },
      pairs: [],
      results: [{ stage: 0, candidate: 'student', promoted: true }],
    });
  });

  test('keeps the anchor when the policy requires a better student', () => {
    const careful = rules({ promotion: 'if-better' });
    const next = after([assigned(), trained(0.8), verified, assigned(0.8), trained(0.79), verified], careful);
    expect(next).toMatchObject({
      stage: 2,
      anchor: { stage: 0 },
      results: [
        { promoted: true },
        { promoted: false, frozen: { anchor: { validation: { metrics: { accuracy: 0.8 } } } } },
      ],
    });
  });

  test('completes after the last generation, whose student does not become the anchor', () => {
    const two = rules({ generations: 2 });
    const end = after([assigned(), trained(0.8), verified, assigned(0.8), trained(0.9), verified], two);
    expect(end).toMatchObject({
      phase: 'completed',
      stage: 1,
      results: [{ promoted: true }, { promoted: false }],
    });
    expect(duty(end)).toBeUndefined();
  });

  test('goes on without an anchor after a first student that answers like chance', () => {
    const next = after([assigned(), trained(0.26), verified]);
    expect(next).toMatchObject({ phase: 'preparing', stage: 1, moves: [], results: [{ promoted: false }] });
    expect(next).not.toHaveProperty('anchor');
    expect(after([assigned(), trained(0.8), verified], rules(), next)).toMatchObject({ anchor: { stage: 1 } });
  });

  test('completes with students none of which learned anything', () => {
    const two = rules({ generations: 2 });
    const end = after([assigned(), trained(0.26), verified, assigned(), trained(0.25), verified], two);
    expect(end).toMatchObject({ phase: 'completed', results: [{ promoted: false }, { promoted: false }] });
  });

  test('keeps the anchor when a later student answers like chance', () => {
    const next = after([assigned(), trained(0.8), verified, assigned(0.8), trained(0.25), verified]);
    expect(next).toMatchObject({ phase: 'preparing', stage: 2, anchor: { stage: 0 } });
  });

  test('raises the attempt and resumes from the last pair when a trainer is lost', () => {
    expect(after([assigned(), committed(2), lost('unavailable')])).toMatchObject({
      phase: 'preparing',
      stage: 0,
      attempt: 2,
      pairs: [{ step: 2 }],
      losses: 1,
    });
  });

  test('fails when attempts are lost in a row, and counts from 0 after a committed pair', () => {
    const thrice = [assigned(), lost('unavailable'), assigned(), lost('out-of-step'), assigned(), lost('unavailable')];
    expect(after(thrice)).toMatchObject({
      phase: 'failed',
      kind: 'unavailable',
      reason: 'the teacher is gone (3 attempts in a row)',
    });
    expect(after([...thrice.slice(0, 5), committed(2), lost('unavailable')])).toMatchObject({ phase: 'preparing' });
  });

  test('goes back to the previous pair when the last one cannot be read', () => {
    const state = after([assigned(), committed(2), committed(3), damaged(3)]);
    expect(state).toMatchObject({ phase: 'preparing', pairs: [{ step: 2, convergence: { best: 0.5, sinceGain: 0 } }] });
    expect(after([assigned(), damaged(2)], rules(), state)).toMatchObject({ phase: 'preparing', pairs: [] });
  });

  test('drops no pair for damage elsewhere', () => {
    const trained = after([assigned(), committed(2), committed(3)]);
    const pairs = [{ step: 2 }, { step: 3 }];
    for (const event of [lost('corrupt'), damaged(2)]) {
      expect(advance(trained, event, rules())).toMatchObject({ phase: 'preparing', pairs, losses: 1 });
    }
    const again = [lost('corrupt'), assigned(), lost('corrupt'), assigned(), lost('corrupt')];
    expect(after(again, rules(), trained)).toMatchObject({ phase: 'failed', kind: 'corrupt', pairs });
  });

  test.each<FailureKind>([
    'diverged',
    'invalid',
    'not-found',
    'wrong-state',
    'unauthenticated',
    'forbidden',
    'internal',
  ])('fails at once when an attempt is lost as %s', (kind) => {
    expect(after([assigned(), lost(kind)])).toMatchObject({ phase: 'failed', kind, reason: 'the teacher is gone' });
  });

  test('retries an attempt that was lost because a limit was reached', () => {
    expect(after([assigned(), lost('exhausted')])).toMatchObject({ phase: 'preparing', losses: 1 });
  });

  test('continues a failed run from its last pair, unless it diverged', () => {
    const failed = after([assigned(), committed(2), lost('invalid')]);
    expect(after([{ kind: 'taken-over' }], rules(), failed)).toMatchObject({
      phase: 'queued',
      attempt: 2,
      pairs: [{ step: 2 }],
      losses: 0,
    });
    const diverged = after([assigned(), lost('diverged')]);
    expect(() => after([{ kind: 'taken-over' }], rules(), diverged)).toThrow('would fail again: the teacher is gone');
  });

  test('does not change a promotion that is taken over, so that it happens once', () => {
    const promoting = after([assigned(), trained(0.8)]);
    expect(after([{ kind: 'taken-over' }], rules(), promoting)).toBe(promoting);
  });

  test('refuses a training split that differs from the one that the run started with', () => {
    const facts = { datasetDigest: 'e'.repeat(64), classes: 4, totalSteps: 4, stepsPerEpoch: 1 };
    const again: RunTransition = { kind: 'assigned', facts };
    expect(() => after([assigned(), lost('unavailable'), again])).toThrow(
      /the run started with datasetDigest dddd.*eeee/,
    );
  });

  test('refuses a pair that is not newer than the last one', () => {
    expect(() => after([assigned(), committed(2), committed(2)])).toThrow(TrikdError);
  });

  test('keeps as many of the newest checkpoints of a stage as configured', () => {
    const state = after([assigned(), committed(1), committed(2), committed(3)], rules({}, 2, 2));
    expect(state).toMatchObject({
      pairs: [
        { step: 2, convergence: { best: 0.5, sinceGain: 1 } },
        { step: 3, convergence: { best: 0.5, sinceGain: 2 } },
      ],
    });
    expect(after([assigned(), committed(1), committed(2)], rules({}, 2, 1))).toMatchObject({ pairs: [{ step: 2 }] });
  });

  test('shortens the reason of a failure that is too long', () => {
    const event: RunTransition = { kind: 'attempt-lost', error: 'invalid', message: 'x'.repeat(1_000_000) };
    const failed = after([assigned(), event]);
    expect(failed.phase === 'failed' && failed.reason).toMatch(/^x{1999}…$/);
  });

  test('keeps no more pairs than a state has room for', () => {
    const many = Array.from({ length: MOST_PAIRS + 5 }, (_, index) => committed(index + 1));
    const state = after([assigned(), ...many], rules({}, 2, 1000));
    expect('pairs' in state && state.pairs).toHaveLength(MOST_PAIRS);
  });

  test('keeps the state small however many validations a stage has', () => {
    const valueAt = (step: number) => 0.5 + 0.4 * (step / 100_000);
    let state = after([assigned()]);
    for (let step = 1; step <= 100_000; step += 1) {
      const pair = { step, manifestKey: `pair-${step}` };
      const validations = [{ step, value: valueAt(step) }];
      state = advance(state, { kind: 'pair-committed', pair, validations }, rules());
    }
    expect(state).toMatchObject({ pairs: [{ step: 99_999 }, { step: 100_000, convergence: { sinceGain: 0 } }] });
    expect(JSON.stringify(state).length).toBeLessThan(1000);
    const validations = Array.from({ length: 100_000 }, (_, step) => ({ step, value: 0.5 }));
    const together = advance(
      after([assigned()]),
      { kind: 'pair-committed', pair: { step: 1, manifestKey: 'pair' }, validations },
      rules(),
    );
    expect(together).toMatchObject({ pairs: [{ convergence: { best: 0.5, sinceGain: 99_999 } }] });
    expect(JSON.stringify(together).length).toBeLessThan(1000);
  });

  describe('a rollback', () => {
    const rolledBack = (to: number): RunTransition => ({ kind: 'rolled-back', to });
    const second = after([
      assigned(),
      trained(0.8),
      verified,
      assigned(0.8),
      trained(0.9),
      verified,
      assigned(0.9),
      committed(2),
    ]);

    test('starts the current generation again with the earlier anchor', () => {
      expect(second).toMatchObject({ stage: 2, attempt: 1, anchor: { stage: 1 } });
      expect(after([rolledBack(0)], rules(), second)).toMatchObject({
        phase: 'preparing',
        stage: 2,
        attempt: 2,
        anchor: { stage: 0, params: blob('student-0.8') },
        pairs: [],
        moves: [
          { by: 'rule', to: 0, during: 0 },
          { by: 'rule', to: 1, during: 1 },
          { by: 'rollback', to: 0, during: 2 },
        ],
      });
    });

    test('of a run that has ended changes none of its results', () => {
      const two = rules({ generations: 2 });
      const end = after([assigned(), trained(0.8), verified, assigned(0.8), trained(0.9), verified], two);
      expect(after([rolledBack(0)], two, end)).toMatchObject({
        ...end,
        moves: [{ by: 'rule' }, { by: 'rollback', to: 0, during: 1 }],
      });
    });

    test('goes to promoted students only', () => {
      expect(() => after([rolledBack(2)], rules(), second)).toThrow(
        'the student of generation 2 was not promoted: only those of 0, 1 were',
      );
      expect(() => after([rolledBack(0)])).toThrow('was not promoted: none was');
    });
  });

  test('waits before each stage but the first when stages start by hand', () => {
    const manual = rules({ advance: 'manual' });
    const waiting = after([assigned(), trained(0.8), verified], manual);
    expect(waiting).toMatchObject({ phase: 'waiting', stage: 1, attempt: 1, anchor: { stage: 0 } });
    expect(duty(waiting)).toBeUndefined();
    expect(after([{ kind: 'triggered' }], manual, waiting)).toEqual({ ...waiting, phase: 'queued' });
  });

  test('a new run waits for a trio, and prepares its first attempt when it has one', () => {
    expect([duty(firstState), first]).toMatchObject([undefined, { phase: 'preparing', stage: 0, attempt: 1 }]);
  });

  test('a run that loses its trio waits for another one, and goes on from its last pair as a new attempt', () => {
    const running = after([assigned(), lost('unavailable'), assigned()]);
    const queued = after([displaced], rules(), running);
    expect(queued).toMatchObject({
      ...{ phase: 'queued', attempt: 3, losses: 1 },
      displaced: { why: 'trio-draining', message: 'trio trio-1 is draining' },
    });
    const again = after([placed], rules(), queued);
    expect(again).toMatchObject({ phase: 'preparing', attempt: 3, losses: 1 });
    expect('displaced' in again).toBe(false);
  });

  test('a candidate that waits to be judged while its run loses its trio is judged on the next one', () => {
    const judging = after([assigned(), trained(0.8)]);
    expect(after([displaced], rules(), judging)).toMatchObject({ phase: 'queued', outcome: outcome(0.8) });
    expect(after([displaced, placed], rules(), judging)).toEqual(judging);
  });

  test('records when the rule moved the anchor', () => {
    const at = '2026-01-02T03:04:05.000Z';
    expect(after([assigned(), trained(0.8), { kind: 'candidate-verified', at }])).toMatchObject({
      moves: [{ by: 'rule', to: 0, during: 0, at }],
    });
  });

  describe('in a method of stages', () => {
    const model = { kind: 'plain-cnn' as const, channels: [4] };
    const rulesOf = (changes: Partial<WrittenSpec>) => ({
      ...{ retries: 2, keepPairs: 2 },
      spec: RunSpec.parse({ name: 'law', data: { kind: 'synthetic' }, epochs: 8, ...changes }),
    });
    const pair = { student: { model }, teacher: { model } };
    const kd = rulesOf({ method: 'kd', ...pair });
    const lone = (name: string, accuracy: number) => ({
      kind: 'stage-trained' as const,
      outcome: { ...outcome(0), learners: { [name]: { best: best(accuracy), stateSha256: 'b'.repeat(64) } } },
    });
    const begun = (totalSteps: number, frozen?: number): RunTransition => ({
      kind: 'assigned',
      facts: { datasetDigest: digest, classes: 4, totalSteps, stepsPerEpoch: 1 },
      ...(frozen !== undefined && { frozen: { teacher: { validation: best(frozen).validation, test: best(1).test } } }),
    });

    test('a stage without a candidate promotes nothing, and keeps the result of its one learner', () => {
      const next = after([begun(8), lone('teacher', 0.9), verified], kd);
      expect(next).toMatchObject({ phase: 'preparing', stage: 1, attempt: 1, moves: [] });
      expect(next).not.toHaveProperty('anchor');
      const { learners, steps, pair } = lone('teacher', 0.9).outcome;
      expect(next.results).toEqual([{ stage: 0, steps, learners, pair, promoted: false }]);
    });

    test('a learner that answers like chance is no flaw of a stage without a candidate', () => {
      const state = after([begun(8), lone('teacher', 0.25)], kd);
      if (state.phase !== 'promoting') throw new TypeError('the stage has ended');
      expect([flawOf(state, kd), promotion(state, kd)]).toEqual([undefined, undefined]);
    });

    test('the run completes after the last stage, with the scores of the frozen models by name', () => {
      const events = [begun(8), lone('teacher', 0.9), verified, begun(8, 0.9), lone('student', 0.8), verified];
      const end = after(events, kd);
      expect(end).toMatchObject({
        ...{ phase: 'completed', stage: 1, moves: [] },
        results: [{ learners: { teacher: {} } }, { frozen: { teacher: { validation: best(0.9).validation } } }],
      });
      expect(end.results.map((result) => 'candidate' in result)).toEqual([false, false]);
      expect(RunState.parse(JSON.parse(JSON.stringify(end)))).toEqual(end);
      for (const kind of ['promoted', 'rolled-back'] as const) {
        expect(() => after([{ kind, to: 1 }], kd, end)).toThrow(expect.objectContaining({ kind: 'invalid' }));
      }
    });

    test('each stage has as many steps as its own epochs take', () => {
      const eskd = rulesOf({ method: 'eskd', ...pair });
      const next = after([begun(2), lone('teacher', 0.9), verified], eskd);
      expect(next).toMatchObject({ stage: 1, facts: { totalSteps: 8, stepsPerEpoch: 1 } });
      expect(after([begun(8)], eskd, next)).toMatchObject({ phase: 'training', facts: { totalSteps: 8 } });
      expect(() => after([begun(2)], eskd, next)).toThrow('the run started with totalSteps 8');
    });

    test('a student of a later stage is the first candidate where a teacher trains before', () => {
      const by = rulesOf({ method: { kind: 'trikd', firstAnchor: 'kd' }, ...pair });
      const first = [begun(8), lone('teacher', 0.9), verified, begun(8, 0.9), lone('student', 0.8), verified];
      const next = after(first, by);
      expect(next).toMatchObject({
        ...{ stage: 2, anchor: { stage: 1 }, moves: [{ by: 'rule', to: 1, during: 1 }] },
        results: [{ promoted: false }, { candidate: 'student', promoted: true }],
      });
      expect(next.results[0]).not.toHaveProperty('candidate');
    });

    test('a student must be better than the promoted one, not than its teacher', () => {
      const method = { kind: 'trikd', firstAnchor: 'kd' } as const;
      const by = rulesOf({ method, curriculum: { promotion: 'if-better' }, ...pair });
      expect(
        after([begun(8), lone('teacher', 0.9), verified, begun(8, 0.9), lone('student', 0.8), verified], by),
      ).toMatchObject({ anchor: { stage: 1 } });
    });

    test('each stage but the first waits for a trigger when generations start by hand', () => {
      const manual = rulesOf({ method: 'kd', ...pair, curriculum: { advance: 'manual' } });
      expect(after([begun(8), lone('teacher', 0.9), verified], manual)).toMatchObject({
        phase: 'waiting',
        stage: 1,
      });
    });

    test('a stage converges by its own settings', () => {
      const convergence = { patience: 1, minDelta: 0.2 };
      const stage = (name: string, own: object) => ({ name, learners: { student: { model } }, ...own });
      const by = rulesOf({ stages: [stage('one', { convergence }), stage('two', {})] });
      const validated = (step: number): RunTransition => ({
        ...{ kind: 'pair-committed', pair: { step, manifestKey: `pair-${step}` } },
        validations: [{ step, value: 0.5 + step / 10 }],
      });
      const first = after([begun(8), validated(1), validated(2)], by);
      expect(first).toMatchObject({ pairs: [{}, { convergence: { best: 0.6, sinceGain: 1 } }] });
      const second = after([lone('student', 0.8), verified, begun(8), validated(1), validated(2)], by, first);
      expect(second).toMatchObject({ stage: 1, pairs: [{}, { convergence: { best: 0.7, sinceGain: 0 } }] });
    });
  });

  const anyEvent = fc.oneof(
    fc.constantFrom<RunTransition>({ kind: 'taken-over' }, placed, displaced, assigned(), assigned(0.5), verified),
    fc.constantFrom<RunTransition>(
      { kind: 'paused' },
      { kind: 'resumed' },
      { kind: 'triggered' },
      { kind: 'cancelled' },
    ),
    fc.nat(3).map((to): RunTransition => ({ kind: 'promoted', to })),
    fc.integer({ min: 1, max: 4 }).map(committed),
    fc.nat(3).map((to): RunTransition => ({ kind: 'rolled-back', to })),
    fc.constantFrom(0.2, 0.5, 0.8, 0.9).map(trained),
    fc.constantFrom<FailureKind>('unavailable', 'out-of-step', 'corrupt', 'diverged').map(lost),
    fc.integer({ min: 1, max: 4 }).map(damaged),
  );
  const before = (a: RunState, b: RunState) => a.stage < b.stage || (a.stage === b.stage && a.attempt <= b.attempt);

  test('neither stage, attempt nor results ever go back, and every state can be stored, whatever the events', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), fc.nat(3), fc.boolean(), (events, patience, manual) => {
        const by = rules({ generations: 4, patience, ...(manual && { advance: 'manual' }) }, 5);
        let state: RunState = first;
        for (const event of events) {
          const previous = state;
          try {
            state = advance(previous, event, by);
          } catch (error) {
            expect(error).toBeInstanceOf(TrikdError);
          }
          expect(before(previous, state)).toBe(true);
          expect(state.results.slice(0, previous.results.length)).toEqual(previous.results);
          expect(state.moves.slice(0, previous.moves.length)).toEqual(previous.moves);
          if (previous.phase === 'completed' || previous.phase === 'cancelled')
            expect(state.phase).toBe(previous.phase);
          expect(RunState.parse(JSON.parse(JSON.stringify(state)))).toEqual(state);
        }
      }),
    );
  });
});
