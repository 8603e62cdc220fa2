import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Subscription } from '@trikd/core/exchange/subscribe';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { FrozenAssignment } from '@trikd/core/training/assignment';
import { createLogger } from '@trikd/process/logging';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { numberAnchor, paramsOf } from '@trikd/testing/toy-model/number-model';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { expect, onTestFinished, test } from 'vitest';
import { loadDataset } from '../data/load-dataset.js';
import { agreementOf } from '../exchange-source.js';
import { createAnchorHolder } from './anchor-holder.js';

const { student: _student, teacher: _teacher, ...tiny } = specFor('tiny');
const model = { kind: 'plain-cnn', channels: [4] };
const hint = (from: string) => ({ kind: 'distillation', from });
const first = { stage: 'first', participant: 'student' };

/** Two learners, then a student that learns from both of them. */
const spec = RunSpec.parse({
  ...tiny,
  stages: [
    { name: 'first', learners: { student: { model }, teacher: { model } } },
    {
      name: 'second',
      learners: { student: { model, objective: [{ kind: 'task' }, hint('large'), hint('small')] } },
      frozen: { small: first, large: { ...first, participant: 'teacher' }, silent: first },
    },
  ],
});
const NUMBERS = { small: 3, large: 50, silent: 7 };
const start = { runId: spec.name, stage: 1, attempt: 1, step: 0 };

/** An anchor-server with a toy model for each number that the store has. */
async function rig() {
  const store = memoryStore();
  const closed: number[] = [];
  const saved = Object.entries(NUMBERS).map(async ([name, value]) => {
    return [name, await saveParams(store, blobsFolder(start), paramsOf(value))] as const;
  });
  const params = Object.fromEntries(await Promise.all(saved));
  const holder = createAnchorHolder({
    store,
    loadDataset,
    openFrozen: (of, dataset, shape, values, attempt) =>
      numberAnchor(() => closed.push(values.get('value')!.data[0]!))(of, dataset, shape, values, attempt),
    clock: virtualClock(),
    random: () => 1,
    log: createLogger({ level: 'silent' }, 'test'),
  });
  onTestFinished(() => holder.stop());
  const assignment: FrozenAssignment = { start, term: 1, exchangeSecret: SECRET, spec, params };
  const agreement = agreementOf(spec, await loadDataset(spec));
  const frames = (producer: string, changes: Partial<Subscription> = {}) =>
    holder.frames(
      { consumer: 'student', producer, from: start, agreement, secret: SECRET, ...changes },
      new AbortController().signal,
    );
  return { holder, assignment, frames, closed };
}

/** The number that a frame of step 0 was computed with. */
async function numberOf(frames: AsyncIterable<LogitsFrame>): Promise<number | undefined> {
  for await (const { logits } of frames) return logits.data[0];
  return undefined;
}

test('serves each frozen model of a stage by its name', async () => {
  const { holder, assignment, frames } = await rig();
  await holder.load(assignment);
  expect(await numberOf(frames('small'))).toBe(3);
  expect(await numberOf(frames('large'))).toBe(50);
});

test('scores each frozen model, also one that nobody learns from', async () => {
  const { holder, assignment } = await rig();
  const { scores } = await holder.load(assignment);
  const nll = Object.fromEntries(Object.entries(scores).map(([name, { test }]) => [name, test.metrics['nll']]));
  expect(nll).toEqual(NUMBERS);
});

test('refuses a participant that it does not serve', async () => {
  const { holder, assignment, frames } = await rig();
  await holder.load(assignment);
  for (const producer of ['student', 'anchor']) {
    await expect(numberOf(frames(producer))).rejects.toMatchObject({
      kind: 'not-found',
      message: `participant ${producer} is not served here`,
    });
  }
});

test('refuses a participant that it serves to a trainer without the secret of the attempt', async () => {
  const { holder, assignment, frames } = await rig();
  await holder.load(assignment);
  const secret = SECRET.replace(/^./, (letter) => (letter === '0' ? '1' : '0'));
  await expect(numberOf(frames('small', { secret }))).rejects.toMatchObject({ kind: 'forbidden' });
});

test.each([
  ['lack one of the stage', ['small', 'large'], 'stage 1 has other frozen models than large, small'],
  [
    'have one more',
    ['small', 'large', 'silent', 'more'],
    'stage 1 has other frozen models than large, more, silent, small',
  ],
  ['are none', [], 'stage 1 has other frozen models than none'],
])('refuses params that %s', async (_what, names, message) => {
  const { holder, assignment } = await rig();
  const params = Object.fromEntries(names.map((name) => [name, assignment.params['small']!]));
  await expect(holder.load({ ...assignment, params })).rejects.toMatchObject({ kind: 'invalid', message });
});

test('leaves no model open when the params of the last one are lost', async () => {
  const { holder, assignment, closed } = await rig();
  const lost = { ...assignment.params['silent']!, key: 'gone' };
  const load = holder.load({ ...assignment, params: { ...assignment.params, silent: lost } });
  await expect(load).rejects.toMatchObject({ kind: 'corrupt' });
  expect(closed.toSorted((a, b) => a - b)).toEqual([3, 50]);
  expect(holder.serving()).toBeUndefined();
});

test('takes the same order again, and refuses one with other params for one of the models', async () => {
  const { holder, assignment } = await rig();
  const facts = await holder.load(assignment);
  expect(await holder.load(assignment)).toBe(facts);
  const { small, large } = assignment.params;
  const swapped = { ...assignment.params, small: large!, large: small! };
  await expect(holder.load({ ...assignment, params: swapped })).rejects.toMatchObject({ kind: 'out-of-step' });
});
