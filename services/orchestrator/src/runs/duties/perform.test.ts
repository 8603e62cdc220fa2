import { createHash } from 'node:crypto';
import type { RunTransition } from '@trikd/core/run/advance';
import type { RunEvent } from '@trikd/core/run/run-event';
import { firstState, type Promoting } from '@trikd/core/run/state';
import { readPointer } from '@trikd/core/run/stored/anchor-pointer';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { judge } from './perform.js';
import type { DutyScope } from './scope.js';

const model = { kind: 'plain-cnn', channels: [4] };
const specOf = (method: string) =>
  RunSpec.parse({
    ...{ name: 'trial', data: { kind: 'synthetic' }, epochs: 2, method },
    ...{ student: { model }, teacher: { model } },
  });
const written = Buffer.from('params');
const sha256 = createHash('sha256').update(written).digest('hex');

/** Judges a first stage. Returns what was done, what was said, and where the pointer is. */
async function judged(method: string, learner: string, { accuracy = 0.8, stored = written } = {}) {
  const store = memoryStore();
  await store.put('blobs/best', stored);
  const params = { key: 'blobs/best', sha256, bytes: written.byteLength };
  const best = { step: 3, validation: { metrics: { accuracy, nll: 1 }, examples: 400 }, params };
  const todo: Promoting = {
    ...{ ...firstState, phase: 'promoting' },
    facts: { datasetDigest: sha256, classes: 4, totalSteps: 4, stepsPerEpoch: 2 },
    outcome: { steps: 4, learners: { [learner]: { best, stateSha256: sha256 } }, pair: { step: 4, manifestKey: 'm' } },
  };
  const spec = specOf(method);
  const events: RunEvent[] = [];
  const unused = () => {
    throw new Error('unexpected call');
  };
  const scope: DutyScope = {
    ...{ spec, rules: { spec, retries: 2, keepPairs: 2 }, term: 1, store, restores: false },
    tracing: { seed: '', everySteps: 0 },
    ...{ secretOf: unused, reachable: unused, leaves: unused, waits: unused },
    ...{ drained: new AbortController().signal, abandoned: new AbortController().signal },
    emit: (event) => events.push(event),
  };
  const transitions: RunTransition[] = [];
  for await (const transition of judge(scope, todo)) transitions.push(transition);
  return { transitions, events, pointer: await readPointer(store, 'trial') };
}

test('a candidate is promoted, and the pointer moves to it', async () => {
  expect(await judged('trikd', 'student')).toMatchObject({
    ...{ transitions: [{ kind: 'candidate-verified' }], events: [], pointer: { stage: 0 } },
  });
});

test('a candidate that answers like chance is not promoted, and an alarm says why', async () => {
  const { events, pointer } = await judged('trikd', 'student', { accuracy: 0.25 });
  expect(events).toMatchObject([
    { kind: 'alarm', participant: 'student', step: 3, message: expect.stringContaining('cannot be the anchor') },
  ]);
  expect(pointer).toBeUndefined();
});

test('what a stage without a candidate has trained is verified, and not judged', async () => {
  const { transitions, events, pointer } = await judged('kd', 'teacher', { accuracy: 0.25 });
  expect([transitions, events, pointer]).toEqual([[{ kind: 'candidate-verified' }], [], undefined]);
  await expect(judged('kd', 'teacher', { stored: Buffer.from('others') })).rejects.toMatchObject({ kind: 'corrupt' });
});
