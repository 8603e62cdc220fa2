import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TrikdError } from '../domain/errors.js';
import type { ObjectStore } from '../domain/object-store.js';
import { advance, type Duty, type RunTransition } from './advance.js';
import { afterValidations, converged, NOT_VALIDATED } from './convergence.js';
import { drive } from './drive.js';
import type { Outcome, RunState } from './state.js';
import { createRun, loadRun, type SavedRun, saveRun } from './stored/run-store.js';

const spec = specFor('bare', { name: 'law', epochs: 8, convergence: { patience: 2 }, curriculum: { generations: 3 } });
const rules = { spec, retries: 3, keepPairs: 2 };
const never = new AbortController().signal;

/** A student that learns fast and then forgets, a little better in each stage. */
const accuracyAt = (stage: number, step: number) => 0.6 + 0.05 * stage + 0.01 * Math.min(step, 8 - step);

function outcomeAt(stage: number, steps: number): Outcome {
  const name = `${stage}-${steps}`;
  const best = {
    step: 4,
    validation: { metrics: { accuracy: accuracyAt(stage, 4), nll: 1 }, examples: 400 },
    params: { key: `params-${name}`, sha256: 'a'.repeat(64), bytes: 1 },
  };
  const sha256 = Buffer.from(name).toString('hex').padEnd(64, '0');
  const pair = { step: steps, manifestKey: `last-${name}` };
  const learner = { best, stateSha256: sha256 };
  return { steps, pair, learners: { student: learner, teacher: learner } };
}

const facts = { datasetDigest: 'd'.repeat(64), classes: 4, totalSteps: 8, stepsPerEpoch: 1 };

/** Two trainers that checkpoint each step, in a world where `tick` may end the process. */
async function* perform(todo: Duty, tick: () => void): AsyncGenerator<RunTransition> {
  tick();
  switch (todo.phase) {
    case 'preparing':
      yield { kind: 'assigned', facts };
      return;
    case 'promoting':
      yield { kind: 'candidate-verified' };
      return;
    case 'training': {
      let convergence = todo.pairs.at(-1)?.convergence ?? NOT_VALIDATED;
      for (let step = (todo.pairs.at(-1)?.step ?? 0) + 1; ; step++) {
        tick();
        const validation = { step, value: accuracyAt(todo.stage, step) };
        convergence = afterValidations(convergence, [validation.value], {
          better: 'higher',
          minDelta: spec.convergence.minDelta,
        });
        if (step === facts.totalSteps || converged(convergence, spec.convergence)) {
          yield { kind: 'stage-trained', outcome: outcomeAt(todo.stage, step) };
          return;
        }
        const pair = { step, manifestKey: `pair-${todo.stage}-${step}` };
        yield { kind: 'pair-committed', pair, validations: [validation] };
      }
    }
  }
}

/** A process that ends at its `lifetime`-th touch of the world, and touches nothing afterwards. */
function mortal(store: ObjectStore, lifetime: number): { store: ObjectStore; tick: () => void } {
  let left = lifetime;
  const tick = () => {
    left -= 1;
    if (left <= 0) throw new Error('killed');
  };
  return {
    tick,
    store: {
      ...store,
      create: async (key, bytes) => {
        tick();
        const outcome = await store.create(key, bytes);
        tick();
        return outcome;
      },
      replace: async (key, bytes, version) => {
        tick();
        const outcome = await store.replace(key, bytes, version);
        tick();
        return outcome;
      },
    },
  };
}

function moved(store: ObjectStore, run: SavedRun, kind: 'placed' | 'taken-over'): Promise<SavedRun> {
  return saveRun(store, run, { state: advance(run.state, { kind }, rules) });
}

async function live(store: ObjectStore, lifetime: number): Promise<RunState> {
  const life = mortal(store, lifetime);
  const run = await createRun(life.store, spec);
  if (run.state.phase === 'completed') return run.state;
  const mine = run.state.phase === 'queued' ? run : await moved(life.store, run, 'taken-over');
  const placed = mine.state.phase === 'queued' ? await moved(life.store, mine, 'placed') : mine;
  const ports = { store: life.store, rules, changed: () => undefined, drained: never };
  return (await drive(placed, { ...ports, perform: (todo) => perform(todo, life.tick) })).state;
}

async function untilItEnds(store: ObjectStore, lifetimes: readonly number[]): Promise<RunState> {
  for (const lifetime of lifetimes) {
    await live(store, lifetime).catch((error: unknown) => expect(error).toMatchObject({ message: 'killed' }));
  }
  return live(store, Number.POSITIVE_INFINITY);
}

describe('drive', () => {
  test('ends stages by convergence and the run by its budget', async () => {
    const state = await live(memoryStore(), Number.POSITIVE_INFINITY);
    expect(state).toMatchObject({
      phase: 'completed',
      results: [
        { steps: 6, promoted: true },
        { steps: 6, promoted: true },
        { steps: 6, promoted: false },
      ],
    });
  });

  test('a run that is killed anywhere ends like one that is not', async () => {
    const undisturbed = await live(memoryStore(), Number.POSITIVE_INFINITY);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 70 }), { maxLength: 8 }), async (lifetimes) => {
        const { attempt: _attempt, ...end } = await untilItEnds(memoryStore(), lifetimes);
        const { attempt: _first, ...expected } = undisturbed;
        expect(end).toEqual(expected);
      }),
    );
  });

  test('stops when another orchestrator has taken the run over', async () => {
    const store = memoryStore();
    const run = await moved(store, await createRun(store, spec), 'placed');
    let first = true;
    const perform2 = async function* (todo: Duty) {
      if (todo.phase === 'training' && first) {
        first = false;
        const now = await loadRun(store, 'law');
        await saveRun(store, now, { state: advance(now.state, { kind: 'taken-over' }, rules) });
      }
      yield* perform(todo, () => undefined);
    };
    await expect(
      drive(run, { store, rules, perform: perform2, changed: () => undefined, drained: never }),
    ).rejects.toMatchObject({ kind: 'out-of-step', message: 'another orchestrator drives run law now' });
    expect((await loadRun(store, 'law')).state).toMatchObject({ phase: 'preparing', attempt: 2 });
  });

  test('retries a lost attempt, and fails when one diverges, with its message', async () => {
    const store = memoryStore();
    const run = await moved(store, await createRun(store, spec), 'placed');
    const failures = [new TrikdError('unavailable', 'the student is gone'), new TrikdError('diverged', 'loss is NaN')];
    const perform2 = async function* (todo: Duty) {
      const failure = todo.phase === 'training' ? failures.shift() : undefined;
      if (failure) throw failure;
      yield* perform(todo, () => undefined);
    };
    const end = await drive(run, { store, rules, perform: perform2, changed: () => undefined, drained: never });
    expect(end.state).toMatchObject({ phase: 'failed', kind: 'diverged', attempt: 2 });
    expect(end.state).toMatchObject({ reason: 'loss is NaN' });
  });

  test('does not change the run when it is drained', async () => {
    const store = memoryStore();
    const run = await moved(store, await createRun(store, spec), 'placed');
    const drain = new AbortController();
    const perform2 = async function* (todo: Duty) {
      for await (const event of perform(todo, () => undefined)) {
        yield event;
        if (event.kind === 'pair-committed') {
          drain.abort();
          return;
        }
      }
    };
    const end = await drive(run, { store, rules, perform: perform2, changed: () => undefined, drained: drain.signal });
    expect(end.state).toMatchObject({ phase: 'training', pairs: [{ step: 1 }] });
    expect(await live(store, Number.POSITIVE_INFINITY)).toMatchObject({ phase: 'completed' });
  });
});
