import { manifestAt } from '@trikd/core/checkpoint/manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainedRole } from '@trikd/core/domain/position';
import { firstState, type Training } from '@trikd/core/run/state';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { TrainerEvent } from '@trikd/core/training/ports';
import { systemClock } from '@trikd/process/system-clock';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import type { TrainerLink } from '../ports.js';
import { salvage } from './commit-pair.js';

const specOf = (change: object = {}) => specFor('bare', { epochs: 10, ...change });
const sha256 = 'a'.repeat(64);
const todo: Training = {
  ...firstState,
  phase: 'training',
  attempt: 3,
  pairs: [{ step: 10, manifestKey: 'of step 10' }],
  facts: { datasetDigest: sha256, classes: 4, totalSteps: 100, stepsPerEpoch: 10 },
};
const blobAt = (step: number) => ({ key: `blob-${step}`, sha256, bytes: 4 });
const saved = (step: number): TrainerEvent => ({ kind: 'checkpoint', checkpoint: { step, state: blobAt(step) } });
const validated = (step: number): TrainerEvent => ({
  kind: 'evaluation',
  step,
  validation: { metrics: { accuracy: 0.5, nll: 1 }, examples: 40 },
});

/** A trainer that has reported something, and then failed of something. */
function trainer(role: TrainedRole, events: readonly TrainerEvent[], failure?: Error): TrainerLink {
  const unexpected = () => Promise.reject(new Error('unexpected call'));
  return {
    role,
    address: 'here',
    assign: unexpected,
    setLimit: unexpected,
    saveAt: unexpected,
    nextStep: unexpected,
    watch: async function* () {},
    past: async function* () {
      yield* events;
      if (failure) throw failure;
    },
  };
}

async function portsOf(teacher: TrainerLink, student: TrainerLink, spec = specOf()) {
  const store = memoryStore();
  for (const step of [10, 20, 30, 40]) await store.put(blobAt(step).key, new Uint8Array(4));
  return { spec, store, writer: 'test', trainers: { teacher, student }, clock: systemClock, times: { grace: 0.05 } };
}

function salvageWith({ store, spec, ...ports }: Awaited<ReturnType<typeof portsOf>>) {
  return salvage(store, spec, todo, ports);
}

test('the newest checkpoint that both trainers have stored becomes a pair, with the validations up to it', async () => {
  const teacher = trainer('teacher', [saved(10), saved(20), saved(30), saved(40)]);
  const student = trainer('student', [saved(10), validated(20), saved(20), validated(30), saved(30), validated(40)]);
  const ports = await portsOf(teacher, student);
  const event = await salvageWith(ports);
  if (event?.kind !== 'pair-committed') throw new Error(`nothing was salvaged: ${event?.kind}`);
  expect(event.pair.step).toBe(30);
  expect(event.validations.map(({ step }) => step)).toEqual([20, 30]);
  const stored = await ports.store.get(event.pair.manifestKey);
  expect(manifestAt(event.pair.manifestKey, stored!.bytes)).toMatchObject({ step: 30, attempt: 3, stage: 0 });
});

test('a manifest that the leader before had written already is taken as it is', async () => {
  const trainers = [trainer('teacher', [saved(20)]), trainer('student', [saved(20)])] as const;
  const ports = await portsOf(...trainers);
  const before = await salvageWith({ ...ports, writer: 'the leader before' });
  expect(await salvageWith(ports)).toEqual(before);
});

test('what a trainer stored before it failed counts', async () => {
  const failed = trainer('teacher', [saved(20)], new TrikdError('out-of-step', 'the peer is gone'));
  const event = await salvageWith(await portsOf(failed, trainer('student', [saved(20), saved(30)])));
  expect(event).toMatchObject({ kind: 'pair-committed', pair: { step: 20 } });
});

test('of a stage with one learner, the newest checkpoint of that one is salvaged, and the other trainer is not asked', async () => {
  const model = { kind: 'plain-cnn', channels: [4] };
  const kd = RunSpec.parse({
    ...{ name: 'trial', data: { kind: 'synthetic' }, epochs: 10, method: 'kd' },
    ...{ student: { model }, teacher: { model } },
  });
  const idle: TrainerLink = {
    ...trainer('student', []),
    past: () => {
      throw new Error('it trains nothing');
    },
  };
  const ports = await portsOf(trainer('teacher', [validated(20), saved(20), saved(30)]), idle, kd);
  const event = await salvageWith(ports);
  if (event?.kind !== 'pair-committed') throw new Error(`nothing was salvaged: ${event?.kind}`);
  const stored = await ports.store.get(event.pair.manifestKey);
  expect(event.validations.map(({ step }) => step)).toEqual([20]);
  expect(manifestAt(event.pair.manifestKey, stored!.bytes)).toMatchObject({
    step: 30,
    learners: { teacher: { state: blobAt(30) } },
    frozen: {},
  });
});

test('nothing is salvaged without a newer pair, from a trainer that is gone, or that does not respond', async () => {
  const both = [saved(10), saved(20)];
  const gone = trainer('teacher', [], new TrikdError('unavailable', 'no route'));
  const silent: TrainerLink = {
    ...trainer('teacher', []),
    past: async function* () {
      await new Promise(() => undefined);
    },
  };
  for (const teacher of [trainer('teacher', [saved(10)]), gone, silent]) {
    expect(await salvageWith(await portsOf(teacher, trainer('student', both)))).toBeUndefined();
  }
});

test('a pair at a step where something is decided is not salvaged', async () => {
  const both = [saved(20), saved(30)];
  const spec = specOf({ evaluation: { everyEpochs: 3 }, convergence: { patience: 2 } });
  const ports = await portsOf(trainer('teacher', both), trainer('student', both), spec);
  expect(await salvageWith(ports)).toMatchObject({ pair: { step: 20 } });
});
