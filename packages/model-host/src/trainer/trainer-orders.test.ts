import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { Assignment } from '@trikd/core/training/assignment';
import { ORDER_SECONDS } from '@trikd/core/training/order';
import type { TrainerPorts } from '@trikd/core/training/ports';
import { createLogger } from '@trikd/process/logging';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { expect, onTestFinished, test } from 'vitest';
import { loadDataset } from '../data/load-dataset.js';
import { createTrainer } from './trainer.js';

const LARGEST = 2 ** 32 - 1;
const spec = specFor('bare', { name: 'r', epochs: 1 });
const attemptOf = (attempt: number, generation = 0): GenerationAttempt => ({ runId: 'r', generation, attempt });
const order = (term: number, attempt: number, generation = 0): Assignment => ({
  attempt: attemptOf(attempt, generation),
  term,
  exchangeSecret: SECRET,
  spec,
  limit: 100,
});

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
  const trainer = createTrainer({
    role: 'student',
    store: memoryStore(),
    loadDataset,
    trainGeneration: (_start, _dataset, ports) => loop(ports),
    dial: () => {
      throw new Error('it has no peers');
    },
    clock,
    random: () => 1,
    log: createLogger({ level: 'silent' }, 'test'),
  });
  onTestFinished(() => trainer.stop());
  return { trainer, clock };
}

test('refuses an order of an earlier term while it trains, and keeps its attempt', async () => {
  const { trainer } = rig();
  await trainer.assign(order(4, 2));
  await expect(trainer.assign(order(3, 3))).rejects.toMatchObject({
    kind: 'out-of-step',
    message: 'run r generation 0 attempt 3 is ordered in term 3, another orchestrator leads in term 4',
  });
  expect(trainer.current()?.id).toEqual(attemptOf(2));
});

test('takes an order of a later term, although its attempt is lower', async () => {
  const { trainer } = rig();
  await trainer.assign(order(4, LARGEST, LARGEST));
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
  await expect(trainer.assign({ ...order(4, 6), peerAddress: 'elsewhere:1' })).rejects.toMatchObject({
    kind: 'out-of-step',
    message: 'run r generation 0 attempt 6 is assigned already, and otherwise',
  });
});

test('refuses to resume beyond the end of the generation', async () => {
  const { trainer } = rig();
  const state = { key: 'runs/r/blobs/0.1/x', sha256: 'x', bytes: 1 };
  await expect(trainer.assign({ ...order(1, 1), resume: { step: 4_000_000, state } })).rejects.toMatchObject({
    kind: 'invalid',
    message: expect.stringMatching(/^step 4000000 is beyond the \d+ steps of a generation$/),
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
  await trainer.assign(order(LARGEST, LARGEST, LARGEST));
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
