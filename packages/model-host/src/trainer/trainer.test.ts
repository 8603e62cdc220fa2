import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import type { Agreement, LogitsFrame } from '@trikd/core/exchange/frame';
import type { Params } from '@trikd/core/models/params';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { Assignment } from '@trikd/core/training/assignment';
import type { TrainerPorts } from '@trikd/core/training/ports';
import { createLogger } from '@trikd/process/logging';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { describe, expect, test } from 'vitest';
import { loadDataset } from '../data/load-dataset.js';
import { agreementOf } from '../exchange/agreement-of.js';
import { createTrainer, type Trainer } from './trainer.js';

const role = { model: { kind: 'plain-cnn', channels: [4] }, objective: [{ kind: 'task' }] };
const spec = RunSpec.parse({ name: 'r', data: { kind: 'synthetic' }, epochs: 1, student: role, teacher: role });
const numbered = (attempt: number): GenerationAttempt => ({ runId: 'r', generation: 0, attempt });
const given = (attempt: number, resume?: RoleCheckpoint): Assignment => ({
  attempt: numbered(attempt),
  spec,
  limit: 100,
  ...(resume && { resume }),
});
const state: Params = new Map([['value', { dtype: 'float32', shape: [1], data: Float32Array.of(1) }]]);
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A trainer whose loop is the test's own and whose store can be away. */
async function rig(loop: (ports: TrainerPorts) => Promise<void> = () => Promise.resolve()) {
  const clock = virtualClock();
  let away = false;
  const requests: number[] = [];
  const failOn = () => {
    requests.push(clock.now());
    return away;
  };
  const store: ObjectStore = memoryStore({ failOn });
  const stored = { step: 2, state: await saveParams(store, blobsFolder(numbered(1)), state) };
  const trainer = createTrainer({
    role: 'student',
    store,
    loadDataset,
    trainGeneration: (_assignment, _dataset, ports) => loop(ports),
    dial: () => {
      throw new Error('it hears nobody');
    },
    clock,
    random: () => 1,
    log: createLogger({ level: 'silent' }, 'test'),
  });
  requests.length = 0;
  const setAway = (now: boolean) => {
    away = now;
  };
  return { trainer, stored, clock, requests, setAway };
}

/** Lets time pass until the trainer waits for its store. */
async function stuck({ requests, clock }: Awaited<ReturnType<typeof rig>>): Promise<void> {
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
  test('begins when the store is back', async () => {
    const all = await rig();
    const { trainer, stored, clock, setAway } = all;
    setAway(true);
    const assigned = trainer.assign(given(1, stored));
    await stuck(all);
    await clock.advance(60_000);
    expect(trainer.present()).toBeUndefined();
    setAway(false);
    await clock.advance(5000);
    expect(await assigned).toMatchObject({ classes: 4 });
    expect(await eventsOf(trainer, 1)).toEqual(['went-on']);
    await trainer.stop();
  });

  test('is the same when it is given again meanwhile', async () => {
    const all = await rig();
    const { trainer, stored, clock, setAway } = all;
    setAway(true);
    const both = [trainer.assign(given(1, stored)), trainer.assign(given(1, stored))];
    await stuck(all);
    setAway(false);
    await clock.advance(5000);
    const [first, second] = await Promise.all(both);
    expect(second).toBe(first);
    await trainer.stop();
  });

  test('makes way at once for a newer one, and for none that is older', async () => {
    const all = await rig();
    const { trainer, stored, setAway } = all;
    setAway(true);
    const second = trainer.assign(given(2, stored));
    await stuck(all);
    const refused = expect(second).rejects.toMatchObject({
      kind: 'out-of-step',
      message: 'run r generation 0 attempt 2 was superseded by run r generation 0 attempt 3',
    });
    await expect(trainer.assign(given(1))).rejects.toMatchObject({ kind: 'out-of-step' });
    await trainer.assign(given(3));
    await refused;
    expect(trainer.present()?.id).toEqual(numbered(3));
    await trainer.stop();
  });

  test('is never begun when a newer one was given while it waited for its turn', async () => {
    const all = await rig();
    const { trainer, stored, setAway } = all;
    setAway(true);
    const first = trainer.assign(given(1, stored));
    await stuck(all);
    const outcomes = Promise.allSettled([first, trainer.assign(given(2, stored)), trainer.assign(given(3))]);
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    await trainer.stop();
  });

  test('ends with its trainer', async () => {
    const all = await rig();
    const { trainer, stored, clock, setAway } = all;
    setAway(true);
    const refused = expect(trainer.assign(given(1, stored))).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'shutting down',
    });
    await stuck(all);
    await trainer.stop();
    await refused;
    expect(clock.sleepers).toBe(0);
  });

  test('keeps a peer waiting that asks for it, however long it takes', async () => {
    const publishes = async (ports: TrainerPorts) => {
      const frame: LogitsFrame = {
        position: { ...numbered(1), step: 2 },
        batchDigest: 'cc',
        logits: { rows: 1, cols: 1, data: Float32Array.of(7) },
      };
      await ports.publish(frame);
    };
    const all = await rig(publishes);
    const { trainer, stored, clock, setAway } = all;
    const agreement: Agreement = agreementOf(spec, await loadDataset(spec));
    setAway(true);
    const assigned = trainer.assign(given(1, stored));
    await stuck(all);
    const never = new AbortController().signal;
    const from = { ...numbered(1), step: 2 };
    const heard = trainer.frames({ consumer: 'teacher', from, agreement }, never)[Symbol.asyncIterator]().next();
    await clock.advance(3_600_000);
    setAway(false);
    await clock.advance(5000);
    await assigned;
    expect((await heard).value?.logits.data).toEqual(Float32Array.of(7));
    await trainer.stop();
  });
});

describe('an attempt whose store goes away', () => {
  test('says why, and that it is back', async () => {
    const save = Promise.withResolvers<void>();
    const all = await rig((ports) => save.promise.then(() => ports.save(state)).then(() => undefined));
    const { trainer, clock, setAway } = all;
    await trainer.assign(given(1));
    setAway(true);
    save.resolve();
    await stuck(all);
    const reason = expect.stringMatching(
      /^stalled on store: put of runs\/r\/blobs\/0\.1\/[0-9a-f]{64}\.safetensors failed/,
    );
    expect(await eventsOf(trainer, 1)).toEqual([reason]);
    setAway(false);
    await clock.advance(5000);
    expect(await eventsOf(trainer, 1)).toEqual(['went-on']);
    await trainer.stop();
  });

  test('asks it for nothing any more once it has ended', async () => {
    const all = await rig((ports) => {
      ports.save(state).catch(() => undefined);
      return turn().then(() => Promise.reject(new Error('a defect')));
    });
    const { trainer, clock, requests, setAway } = all;
    setAway(true);
    await trainer.assign(given(1));
    while (clock.sleepers > 0 || requests.length === 0) await turn();
    const before = requests.length;
    await clock.advance(60_000);
    expect(requests).toHaveLength(before);
    expect(await eventsOf(trainer, 1)).toEqual([expect.stringMatching(/^stalled on store/), 'failure']);
    await trainer.stop();
  });
});

describe('a checkpoint that is asked for', () => {
  test('reaches the loop, unless the step may have begun', async () => {
    const asked: boolean[] = [];
    const go = Promise.withResolvers<void>();
    const { trainer } = await rig(async (ports) => {
      await go.promise;
      asked.push(ports.savesAt(1), ports.savesAt(2));
    });
    await trainer.assign(given(1));
    expect(() => trainer.saveAt(numbered(1), 0)).toThrow(
      expect.objectContaining({ kind: 'wrong-state', message: 'cannot save at step 0: step 1 is the first not begun' }),
    );
    expect(trainer.saveAt(numbered(1), 2)).toBe(1);
    expect(trainer.saveAt(numbered(1), 2)).toBe(1);
    expect(() => trainer.saveAt(numbered(2), 2)).toThrow(expect.objectContaining({ kind: 'out-of-step' }));
    go.resolve();
    await turn();
    expect(asked).toEqual([false, true]);
    await trainer.stop();
  });
});

describe('a trainer that takes its leave', () => {
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

  test('says so, and has left when whoever watches knows that it rests', async () => {
    const { trainer } = await rig(restAtLimits);
    await trainer.assign(given(1));
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

  test('waits for a step that is not reached no longer than it may', async () => {
    const { trainer, clock } = await rig(trainOn);
    await trainer.assign(given(1));
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

  test('leaves at once when nobody watches, and takes no attempt any more', async () => {
    const { trainer } = await rig(trainOn);
    await trainer.assign(given(1));
    await trainer.leave();
    await expect(trainer.assign(given(2))).rejects.toMatchObject({ kind: 'unavailable', message: 'shutting down' });
    await trainer.stop();
  });
});
