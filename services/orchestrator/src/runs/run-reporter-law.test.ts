import { advance, duty, type RunTransition } from '@trikd/core/run/advance';
import { currentStage } from '@trikd/core/run/current-stage';
import type { RunEvent } from '@trikd/core/run/run-event';
import type { RunView } from '@trikd/core/run/run-view';
import { changesSince } from '@trikd/core/run/run-view';
import type { RunState } from '@trikd/core/run/state';
import { createRun, type SavedRun, saveRun } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { eventOf } from '@trikd/events/event';
import { emptyHistory, fold, foldAll, type RunHistory } from '@trikd/events/run-history';
import { fromRunEvent } from '@trikd/protocol/convert-run';
import { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { PRESETS } from '@trikd/testing/specs/presets';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { snapshotEvent } from '../api/messages.js';
import { createRunReporter } from './run-reporter.js';

const model = { kind: 'plain-cnn' as const, channels: [4] };
/** The runs that are followed: of two learners beside an anchor, and of one learner after the other. */
const SPECS = {
  trikd: specFor('tiny', { name: 'trial', curriculum: { generations: 4, promotion: 'always' } }),
  kd: RunSpec.parse({ ...PRESETS.tiny, name: 'trial', method: 'kd', student: { model }, teacher: { model } }),
  'trikd after kd': RunSpec.parse({
    ...{ ...PRESETS.tiny, name: 'trial', curriculum: { generations: 3 } },
    ...{ method: { kind: 'trikd', firstAnchor: 'kd' }, student: { model }, teacher: { model } },
  }),
};
const rulesOf = (of: RunSpec) => ({ spec: of, retries: 2, keepPairs: 2 });
const sha256 = 'a'.repeat(64);
const facts = { datasetDigest: sha256, classes: 4, totalSteps: 40, stepsPerEpoch: 10 };
const best = (accuracy: number) => {
  const score = { metrics: { accuracy, nll: 0.5 }, examples: 400 };
  return { step: 4, validation: score, test: score, params: { key: `params-${accuracy}`, sha256, bytes: 8 } };
};
const trained = (accuracy: number): RunTransition => ({
  kind: 'stage-trained',
  outcome: {
    steps: 40,
    learners: {
      student: { best: best(accuracy), stateSha256: sha256 },
      teacher: { best: best(0.95), stateSha256: sha256 },
    },
    pair: { step: 40, manifestKey: 'last' },
  },
});

type Operation =
  | { readonly kind: 'transition'; readonly transition: RunTransition }
  | { readonly kind: 'steering'; readonly transition: RunTransition }
  | { readonly kind: 'commits'; readonly ahead: number }
  | { readonly kind: 'trains' | 'validates'; readonly role: 'teacher' | 'student'; readonly steps: number }
  | {
      readonly kind: 'waits';
      readonly by: 'student' | 'orchestrator';
      readonly on: 'store' | 'teacher';
      readonly reason: string | undefined;
    };

const transitions = fc.oneof(
  { weight: 6, arbitrary: fc.constant<RunTransition>({ kind: 'assigned', facts }) },
  { weight: 2, arbitrary: fc.constantFrom(0.2, 0.5, 0.8).map(trained) },
  { weight: 3, arbitrary: fc.constant<RunTransition>({ kind: 'candidate-verified', at: '2026-01-02T03:04:05.000Z' }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('unavailable' as const, 'diverged' as const)
      .map((error): RunTransition => ({ kind: 'attempt-lost', error, message: 'the teacher is gone' })),
  },
);
const steerings = fc.oneof(
  fc.constantFrom<RunTransition>({ kind: 'paused' }, { kind: 'resumed' }, { kind: 'resumed' }, { kind: 'cancelled' }),
  fc.nat(2).map((to): RunTransition => ({ kind: 'rolled-back', to })),
);
const anyRole = fc.constantFrom('teacher' as const, 'student' as const);
const operations: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: transitions.map((transition) => ({ kind: 'transition' as const, transition })) },
  { weight: 1, arbitrary: steerings.map((transition) => ({ kind: 'steering' as const, transition })) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 9 }).map((ahead) => ({ kind: 'commits' as const, ahead })) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('trains' as const, 'validates' as const),
      role: anyRole,
      steps: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('waits' as const),
      by: fc.constantFrom('student' as const, 'orchestrator' as const),
      on: fc.constantFrom('store' as const, 'teacher' as const),
      reason: fc.constantFrom('it is away', 'it is too busy', undefined),
    }),
  },
);

/** What a stage came to, of those that learned in it. */
function only(learners: readonly string[], made: RunTransition): RunTransition {
  if (made.kind !== 'stage-trained') return made;
  const present = Object.entries(made.outcome.learners).filter(([name]) => learners.includes(name));
  return { ...made, outcome: { ...made.outcome, learners: Object.fromEntries(present) } };
}

/** A run as the leader drives and steers it, and what a follower folds of its events. */
async function drivenAndFollowed(spec: RunSpec) {
  const rules = rulesOf(spec);
  const store = memoryStore();
  let seconds = 0;
  const now = () => new Date(1000 * seconds++).toISOString();
  let number = 0;
  let history: RunHistory = emptyHistory;
  const messages: ReturnType<typeof eventOf>[] = [];
  const receive = (message: WatchRunResponse) => {
    const json = eventOf(WatchRunResponse.toJSON(message));
    messages.push(json);
    history = fold(history, json);
  };
  const emit = (event: RunEvent) => {
    number += 1;
    receive({ event: fromRunEvent(event), number, time: new Date(1000 * seconds) });
  };
  let saved: SavedRun = await createRun(store, spec, { at: now() });
  const save = async (state: RunState) => {
    saved = await saveRun(store, saved, { state, at: now() });
    return saved;
  };
  const none = () => undefined;
  const ports = { records: { saved: none }, log: { alarm: none, stalls: none }, emit };
  receive(snapshotEvent({ ...saved, live: { stalls: [], progress: {}, evaluations: {} } }));
  let reporter = createRunReporter(saved, ports, 0, now);
  let steps = { teacher: 0, student: 0 };

  const after = (transition: RunTransition): RunState | undefined => {
    try {
      return advance(saved.state, transition, rules);
    } catch {
      // Other operations are for other phases.
      return undefined;
    }
  };
  const begins = () => {
    steps = { teacher: 0, student: 0 };
  };
  const learners = () => currentStage(spec, saved.state).learners.map(({ name }) => name);
  async function transition(made: RunTransition) {
    const { stage, attempt } = saved.state;
    const state = duty(saved.state) && after(only(learners(), made));
    if (!state || state === saved.state) return;
    reporter.saved(await save(state));
    if (state.stage !== stage || state.attempt !== attempt) begins();
  }
  async function steer(made: RunTransition) {
    const before = saved.state;
    const state = after(made);
    if (!state) return;
    for (const event of changesSince(before, await save(state))) emit(event);
    if (!duty(saved.state)) return;
    reporter = createRunReporter(await save(advance(saved.state, { kind: 'taken-over' }, rules)), ports, 0, now);
    begins();
  }
  async function commit(ahead: number) {
    const { state } = saved;
    if (state.phase !== 'training') return;
    const pair = { step: (state.pairs.at(-1)?.step ?? 0) + ahead, manifestKey: 'pair' };
    await transition({ kind: 'pair-committed', pair, validations: [] });
    reporter.emit({ kind: 'pair-committed', stage: state.stage, ...pair });
  }
  function progress(kind: 'trains' | 'validates', by: 'teacher' | 'student', more: number) {
    const { phase, stage } = saved.state;
    if (phase !== 'training' || !learners().includes(by)) return;
    steps = { ...steps, [by]: steps[by] + more };
    const nextStep = steps[by];
    if (kind === 'validates') {
      reporter.emit({
        kind: 'evaluation',
        participant: by,
        stage,
        step: nextStep,
        validation: best(0.5).validation,
      });
      return;
    }
    const values = {
      terms: [],
      batchMetrics: { accuracy: 0 },
      gradientNorm: 0,
      learningRate: 0,
      stepsPerSecond: more,
      waits: {},
    };
    const event = { kind: 'progress', participant: by, stage, totalSteps: 40 } as const;
    reporter.emit({ ...event, progress: { nextStep, ...values } });
  }
  return {
    async apply(operation: Operation) {
      if (operation.kind === 'transition') await transition(operation.transition);
      else if (operation.kind === 'steering') await steer(operation.transition);
      else if (operation.kind === 'commits') await commit(operation.ahead);
      else if (operation.kind !== 'waits') progress(operation.kind, operation.role, operation.steps);
      else if (duty(saved.state)) reporter.waits(operation.by, operation.on, operation.reason);
    },
    view: (): RunView => (duty(saved.state) ? reporter.view() : saved),
    folded: () => history,
    messages,
  };
}

/** The run of a message as JSON, but for the time of the last write: a committed pair says nothing of it. */
function comparable(run: RunHistory['run']) {
  if (!run) return undefined;
  const { updateTime: _, ...rest } = run;
  return JSON.parse(JSON.stringify(rest));
}

test.each(['trikd', 'kd', 'trikd after kd'] as const)(
  'a snapshot with the events after it applied is the next snapshot, whatever happens: %s',
  async (method) => {
    await fc.assert(
      fc.asyncProperty(fc.array(operations, { maxLength: 60 }), async (all) => {
        const { apply, view, folded, messages } = await drivenAndFollowed(SPECS[method]);
        const snapshotNow = () => fold(emptyHistory, eventOf(WatchRunResponse.toJSON(snapshotEvent(view()))));
        for (const operation of all) {
          await apply(operation);
          expect(comparable(folded().run)).toEqual(comparable(snapshotNow().run));
        }
        // A follower that asks for all events gets the snapshot first, and then its past.
        const past = messages.filter(({ number }) => number > 0);
        expect(comparable(foldAll(past, snapshotNow()).run)).toEqual(comparable(snapshotNow().run));
      }),
    );
  },
);
