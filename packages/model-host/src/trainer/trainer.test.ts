import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { StageAttempt } from '@trikd/core/domain/position';
import type { RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import type { Agreement, LogitsFrame } from '@trikd/core/exchange/frame';
import type { Params } from '@trikd/core/models/params';
import type { Assignment } from '@trikd/core/training/assignment';
import type { TrainerPorts } from '@trikd/core/training/ports';
import { createLogger } from '@trikd/process/logging';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { describe, expect, test } from 'vitest';
import { loadDataset } from '../data/load-dataset.js';
import { agreementOf } from '../exchange-source.js';
import { createTrainer, type Trainer } from './trainer.js';

const spec = specFor('bare', { name: 'r', epochs: 1 });
const numbered = (attempt: number): StageAttempt => ({ runId: 'r', stage: 0, attempt });
const assignment = (attempt: number, resume?: RoleCheckpoint, term = 1): Assignment => ({
  attempt: numbered(attempt),
  term,
  exchangeSecret: SECRET,
  spec,
  limit: 100,
  sources: {},
  promoted: false,
  ...(resume && { resume }),
});
const state: Params = new Map([['value', { dtype: 'float32', shape: [1], data: Float32Array.of(1) }]]);
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A trainer whose loop is the test's own and whose store can be made unavailable. */
async function rig(loop: (ports: TrainerPorts) => Promise<void> = () => Promise.resolve()) {
  const clock = virtualClock();
  let unavailable = false;
  const requests: number[] = [];
  const failOn = () => {
    requests.push(clock.now());
    return unavailable;
  };
  const store: ObjectStore = memoryStore({ failOn });
  const stored = { step: 2, state: await saveParams(store, blobsFolder(numbered(1)), state) };
  const trainer = createTrainer({
    role: 'student',
    store,
    loadDataset,
    trainStage: (_assignment, _dataset, ports) => loop(ports),
    dial: () => {
      throw new Error('it has no peers');
    },
    clock,
    random: () => 1,
    log: createLogger({ level: 'silent' }, 'test'),
  });
  requests.length = 0;
  const setUnavailable = (now: boolean) => {
    unavailable = now;
  };
  return { trainer, stored, clock, requests, setUnavailable };
}

/** Resolves when the trainer waits for its store. */
async function waiting({ requests, clock }: Awaited<ReturnType<typeof rig>>): Promise<void> {
  while (requests.length === 0 || clock.sleepers === 0) await turn();
}

async function eventsOf(trainer: Trainer, attempt: number): Promise<string[]> {
  const left = new AbortController();
  const events: string[] = [];
  const reading = (async () => {
    for await (const { event } of trainer.watch(numbered(attempt), 0, left.signal)) {
      events.push(event.kind === 'stalled' ? `stalled on ${event.on}: ${event.reason}` : event.kind);
    }
  })();
  await turn();
  left.abort();
  await reading;
  return events;
}

describe('an attempt whose checkpoint cannot be read yet', () => {
  test('starts when the store is available again', async () => {
    const all = await rig();
    const { trainer, stored, clock, setUnavailable } = all;
    setUnavailable(true);
    const assigned = trainer.assign(assignment(1, stored));
    await waiting(all);
    await clock.advance(60_000);
    expect(trainer.current()).toBeUndefined();
    setUnavailable(false);
    await clock.advance(5000);
    expect(await assigned).toMatchObject({ classes: 4 });
    expect(await eventsOf(trainer, 1)).toEqual(['went-on']);
    await trainer.stop();
  });

  test('is not started twice when it is assigned again meanwhile', async () => {
    const all = await rig();
    const { trainer, stored, clock, setUnavailable } = all;
    setUnavailable(true);
    const both = [trainer.assign(assignment(1, stored)), trainer.assign(assignment(1, stored))];
    await waiting(all);
    setUnavailable(false);
    await clock.advance(5000);
    const [first, second] = await Promise.all(both);
    expect(second).toBe(first);
    await trainer.stop();
  });

  test('is superseded at once by a newer one, and by none that is older', async () => {
    const all = await rig();
    const { trainer, stored, setUnavailable } = all;
    setUnavailable(true);
    const second = trainer.assign(assignment(2, stored));
    await waiting(all);
    const refused = expect(second).rejects.toMatchObject({
      kind: 'out-of-step',
      message: 'run r stage 0 attempt 2 was superseded by run r stage 0 attempt 3',
    });
    await expect(trainer.assign(assignment(1))).rejects.toMatchObject({ kind: 'out-of-step' });
    await trainer.assign(assignment(3));
    await refused;
    expect(trainer.current()?.id).toEqual(numbered(3));
    await trainer.stop();
  });

  test('is never started when a newer one is assigned before its turn', async () => {
    const all = await rig();
    const { trainer, stored, setUnavailable } = all;
    setUnavailable(true);
    const first = trainer.assign(assignment(1, stored));
    await waiting(all);
    const outcomes = Promise.allSettled([first, trainer.assign(assignment(2, stored)), trainer.assign(assignment(3))]);
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    await trainer.stop();
  });

  test('ends with its trainer', async () => {
    const all = await rig();
    const { trainer, stored, clock, setUnavailable } = all;
    setUnavailable(true);
    const refused = expect(trainer.assign(assignment(1, stored))).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'shutting down',
    });
    await waiting(all);
    await trainer.stop();
    await refused;
    expect(clock.sleepers).toBe(0);
  });

  test('keeps the request of its peer pending, however long it takes', async () => {
    const publishes = async (ports: TrainerPorts) => {
      const frame: LogitsFrame = {
        position: { ...numbered(1), step: 2 },
        batchDigest: 'cc',
        logits: { rows: 1, cols: 1, data: Float32Array.of(7) },
      };
      await ports.publish(frame);
    };
    const all = await rig(publishes);
    const { trainer, stored, clock, setUnavailable } = all;
    const agreement: Agreement = agreementOf(spec, await loadDataset(spec));
    setUnavailable(true);
    const assigned = trainer.assign(assignment(1, stored));
    await waiting(all);
    const never = new AbortController().signal;
    const from = { ...numbered(1), step: 2 };
    const received = trainer
      .frames({ consumer: 'teacher', producer: 'student', from, agreement, secret: SECRET }, never)
      [Symbol.asyncIterator]()
      .next();
    await clock.advance(3_600_000);
    setUnavailable(false);
    await clock.advance(5000);
    await assigned;
    expect((await received).value?.logits.data).toEqual(Float32Array.of(7));
    await trainer.stop();
  });
});

describe('an attempt whose store becomes unavailable', () => {
  test('emits a stall with the reason, and its end', async () => {
    const save = Promise.withResolvers<void>();
    const all = await rig((ports) => save.promise.then(() => ports.save(state)).then(() => undefined));
    const { trainer, clock, setUnavailable } = all;
    await trainer.assign(assignment(1));
    setUnavailable(true);
    save.resolve();
    await waiting(all);
    const reason = expect.stringMatching(
      /^stalled on store: put of runs\/r\/blobs\/0\.1\/[0-9a-f]{64}\.safetensors failed/,
    );
    expect(await eventsOf(trainer, 1)).toEqual([reason]);
    setUnavailable(false);
    await clock.advance(5000);
    expect(await eventsOf(trainer, 1)).toEqual(['went-on']);
    await trainer.stop();
  });

  test('sends no request after it has ended', async () => {
    const all = await rig((ports) => {
      ports.save(state).catch(() => undefined);
      return turn().then(() => Promise.reject(new Error('a defect')));
    });
    const { trainer, clock, requests, setUnavailable } = all;
    setUnavailable(true);
    await trainer.assign(assignment(1));
    while (clock.sleepers > 0 || requests.length === 0) await turn();
    const before = requests.length;
    await clock.advance(60_000);
    expect(requests).toHaveLength(before);
    expect(await eventsOf(trainer, 1)).toEqual([expect.stringMatching(/^stalled on store/), 'failure']);
    await trainer.stop();
  });
});

describe('a requested checkpoint', () => {
  test('reaches the loop, unless the step may have started', async () => {
    const requested: boolean[] = [];
    const go = Promise.withResolvers<void>();
    const { trainer } = await rig(async (ports) => {
      await go.promise;
      requested.push(ports.savesAt(1), ports.savesAt(2));
    });
    await trainer.assign(assignment(1));
    expect(() => trainer.saveAt(numbered(1), 0)).toThrow(
      expect.objectContaining({
        kind: 'wrong-state',
        message: 'cannot save at step 0: the first step that has not started is 1',
      }),
    );
    expect(trainer.saveAt(numbered(1), 2)).toBe(1);
    expect(trainer.saveAt(numbered(1), 2)).toBe(1);
    expect(() => trainer.saveAt(numbered(2), 2)).toThrow(expect.objectContaining({ kind: 'out-of-step' }));
    go.resolve();
    await turn();
    expect(requested).toEqual([false, true]);
    await trainer.stop();
  });
});

describe('a trainer that leaves', () => {
  /** Rests at each limit. */
  const restAtLimits = async (ports: TrainerPorts) => {
    for (;;) {
      const { value } = ports.limit;
      ports.emit({ kind: 'resting', nextStep: value });
      await ports.limit.changed(value);
    }
  };
  /** Trains on until it is abandoned. */
  const trainOn = (ports: TrainerPorts) =>
    new Promise<void>((_resolve, reject) => ports.signal.addEventListener('abort', () => reject(ports.signal.reason)));

  test('emits it, and has left when its watcher knows that it rests', async () => {
    const { trainer } = await rig(restAtLimits);
    await trainer.assign(assignment(1));
    const watching = new AbortController();
    const events = trainer.watch(numbered(1), 0, watching.signal);
    expect((await events.next()).value).toMatchObject({ event: { kind: 'resting', nextStep: 100 } });
    let left = false;
    const leaving = trainer.leave().then(() => {
      left = true;
    });
    expect((await events.next()).value).toMatchObject({ event: { kind: 'leaving' } });
    await turn();
    expect(left).toBe(false);
    const more = events.next();
    await leaving;
    watching.abort();
    await more;
    await trainer.stop();
  });

  test('waits for a step that is not reached for a limited time only', async () => {
    const { trainer, clock } = await rig(trainOn);
    await trainer.assign(assignment(1));
    const watching = new AbortController();
    const events = trainer.watch(numbered(1), 0, watching.signal);
    const first = events.next();
    const leaving = trainer.leave();
    await first;
    await turn();
    await clock.advance(6000);
    await leaving;
    watching.abort();
    await trainer.stop();
  });

  test('leaves at once without watchers, and rejects new attempts', async () => {
    const { trainer } = await rig(trainOn);
    await trainer.assign(assignment(1));
    await trainer.leave();
    await expect(trainer.assign(assignment(2))).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'shutting down',
    });
    await trainer.stop();
  });
});
