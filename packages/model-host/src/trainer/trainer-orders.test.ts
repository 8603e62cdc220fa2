import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import type { StageAttempt } from '@trikd/core/domain/position';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { Assignment, TrainingStart } from '@trikd/core/training/assignment';
import { ORDER_SECONDS } from '@trikd/core/training/assignment';
import type { TrainerPorts } from '@trikd/core/training/ports';
import { createLogger } from '@trikd/process/logging';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { paramsOf } from '@trikd/testing/toy-model/number-model';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadDataset } from '../data/load-dataset.js';
import { createTrainer } from './trainer.js';

const LARGEST = 2 ** 32 - 1;
const spec = specFor('bare', { name: 'r', epochs: 1 });
const LAST_STAGE = spec.curriculum.generations - 1;
const attemptOf = (attempt: number, stage = 0): StageAttempt => ({ runId: 'r', stage, attempt });
const order = (term: number, attempt: number, stage = 0): Assignment => ({
  attempt: attemptOf(attempt, stage),
  term,
  exchangeSecret: SECRET,
  spec,
  limit: 100,
  sources: {},
  promoted: stage > 0,
});

/** A role without an objective of its own. */
const alone = (role: RunSpec['student'] | RunSpec['teacher']) => ({ ...role, objective: undefined });

/** Trains on until it is abandoned. */
const trainOn = (ports: TrainerPorts) =>
  new Promise<void>((_resolve, reject) => ports.signal.addEventListener('abort', () => reject(ports.signal.reason)));
/** Rests at its limit at once. */
const rest = (ports: TrainerPorts) => {
  ports.emit({ kind: 'resting', nextStep: ports.limit.value });
  return trainOn(ports);
};

function rig(loop: (ports: TrainerPorts) => Promise<void> = trainOn) {
  const clock = virtualClock();
  const store = memoryStore();
  const starts: TrainingStart[] = [];
  const trainer = createTrainer({
    role: 'student',
    store,
    loadDataset,
    trainStage: (start, _dataset, ports) => {
      starts.push(start);
      return loop(ports);
    },
    dial: () => {
      throw new Error('nothing is asked of its peers');
    },
    clock,
    random: () => 1,
    log: createLogger({ level: 'silent' }, 'test'),
  });
  onTestFinished(() => trainer.stop());
  return { trainer, clock, store, starts };
}

test('refuses an order of an earlier term while it trains, and keeps its attempt', async () => {
  const { trainer } = rig();
  await trainer.assign(order(4, 2));
  await expect(trainer.assign(order(3, 3))).rejects.toMatchObject({
    kind: 'out-of-step',
    message: 'run r stage 0 attempt 3 is ordered in term 3, another orchestrator leads in term 4',
  });
  expect(trainer.current()?.id).toEqual(attemptOf(2));
});

test('takes an order of a later term, although its attempt is lower', async () => {
  const { trainer } = rig();
  await trainer.assign(order(4, LARGEST, LAST_STAGE));
  await trainer.assign(order(5, 6));
  expect(trainer.current()?.id).toEqual(attemptOf(6));
});

test('starts the same attempt afresh when a later term orders it', async () => {
  const { trainer } = rig();
  await trainer.assign(order(4, 6));
  const before = trainer.current();
  await trainer.assign(order(5, 6));
  expect(trainer.current()).not.toBe(before);
});

test('takes the same order again, and refuses another assignment under it', async () => {
  const { trainer } = rig();
  const facts = await trainer.assign(order(4, 6));
  expect(await trainer.assign({ ...order(4, 6), limit: 7 })).toBe(facts);
  await expect(trainer.assign({ ...order(4, 6), sources: { teacher: 'elsewhere:1' } })).rejects.toMatchObject({
    kind: 'out-of-step',
    message: 'run r stage 0 attempt 6 is assigned already, and otherwise',
  });
});

test('refuses to resume beyond the end of the stage', async () => {
  const { trainer } = rig();
  const state = { key: 'runs/r/blobs/0.1/x', sha256: 'x', bytes: 1 };
  await expect(trainer.assign({ ...order(1, 1), resume: { step: 4_000_000, state } })).rejects.toMatchObject({
    kind: 'invalid',
    message: expect.stringMatching(/^step 4000000 is beyond the \d+ steps of a stage$/),
  });
});

test('refuses a stage that the run has not', async () => {
  const { trainer } = rig();
  await expect(trainer.assign(order(1, 1, LAST_STAGE + 1))).rejects.toMatchObject({
    kind: 'invalid',
    message: 'run r has 3 stages, stage 3 was requested',
  });
});

describe('sources', () => {
  const hearing = specFor('tiny', { name: 'r' });
  const teacher = 'teacher:1';
  const anchor = 'anchor:1';
  const assigned = (sources: Assignment['sources'], changes: Partial<Assignment> = {}) =>
    rig().trainer.assign({ ...order(1, 1, 1), spec: hearing, sources, ...changes });

  test.each<[string, Assignment['sources'], string]>([
    ['lack one that the objective needs', { teacher }, 'no address of anchor'],
    ['have one that it does not need', { teacher, anchor, student: 'student:1' }, 'one of student'],
    ['have another one', { teacher, previous: anchor }, 'no address of anchor and one of previous'],
  ])('that %s are refused', async (_name, sources, difference) => {
    await expect(assigned(sources)).rejects.toMatchObject({
      kind: 'invalid',
      message: `the assignment has ${difference}, which is not as the objective needs`,
    });
  });

  test('of the objective are those of the stage as it is run: without an anchor before a student was promoted', async () => {
    expect(await assigned({ teacher, anchor })).toMatchObject({ classes: 4 });
    expect(await assigned({ teacher }, { promoted: false })).toMatchObject({ classes: 4 });
    await expect(assigned({ teacher, anchor }, { promoted: false })).rejects.toMatchObject({ kind: 'invalid' });
  });
});

test('starts from the params of an earlier stage, and from its checkpoint alone when it has one', async () => {
  const { trainer, store, starts } = rig();
  const init = await saveParams(store, blobsFolder(attemptOf(1)), paramsOf(7));
  const state = await saveParams(store, blobsFolder(attemptOf(1)), paramsOf(3));
  await trainer.assign({ ...order(1, 1), init });
  await trainer.assign({ ...order(1, 2), init, resume: { step: 2, state } });
  expect(starts.map(({ startStep, init: from, resume }) => ({ startStep, from, resume }))).toEqual([
    { startStep: 0, from: paramsOf(7), resume: undefined },
    { startStep: 2, from: undefined, resume: { state: paramsOf(3) } },
  ]);
});

test('a trainer whose slot is idle in the stage refuses it', async () => {
  const kd = RunSpec.parse({ ...spec, student: alone(spec.student), teacher: alone(spec.teacher), method: 'kd' });
  const { trainer } = rig();
  await expect(trainer.assign({ ...order(1, 1), spec: kd })).rejects.toMatchObject({
    kind: 'invalid',
    message: 'stage teacher trains no model in the student-trainer',
  });
});

test('keeps few requested checkpoints', async () => {
  const { trainer } = rig();
  await trainer.assign(order(1, 1));
  for (let step = 1; step <= 64; step++) trainer.saveAt(attemptOf(1), step);
  expect(trainer.saveAt(attemptOf(1), 64)).toBe(1);
  expect(() => trainer.saveAt(attemptOf(1), 65)).toThrow(expect.objectContaining({ kind: 'exhausted' }));
});

test('is fenced by no number for longer than its orchestrator is there', async () => {
  const { trainer, clock } = rig();
  await trainer.assign(order(LARGEST, LARGEST, LAST_STAGE));
  await expect(trainer.assign(order(7, 5))).rejects.toMatchObject({ kind: 'out-of-step' });
  await clock.advance(1000 * ORDER_SECONDS);
  await trainer.assign(order(7, 5));
  expect(trainer.current()?.id).toEqual(attemptOf(5));
});

test('keeps the fence of an order while its attempt is watched', async () => {
  const { trainer, clock } = rig();
  await trainer.assign(order(4, 2));
  const left = new AbortController();
  const event = trainer.watch(attemptOf(2), 0, left.signal).next();
  await clock.advance(3_600_000);
  await expect(trainer.assign(order(3, 1))).rejects.toMatchObject({ kind: 'out-of-step' });
  left.abort();
  await event;
  await trainer.assign(order(3, 1));
});

test.each([
  ['rests unwatched', rest],
  ['has ended', () => Promise.resolve()],
  ['has failed', () => Promise.reject(new Error('a defect'))],
])('takes any order when its attempt %s', async (_state, loop) => {
  const { trainer, clock } = rig(loop);
  await trainer.assign(order(4, 2));
  await clock.advance(0);
  await trainer.assign(order(1, 1));
  expect(trainer.current()?.id).toEqual(attemptOf(1));
});
