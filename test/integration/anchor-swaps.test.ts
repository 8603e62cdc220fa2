import { saveParams } from '@trikd/core/checkpoint/blobs';
import { TrikdError } from '@trikd/core/errors';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Position, Role } from '@trikd/core/position';
import type { RunSpec } from '@trikd/core/spec';
import type { ObjectStore } from '@trikd/core/store';
import type { AnchorParts } from '@trikd/platform/model-service/anchor-serving';
import { openMemoryStore } from '@trikd/platform/store/memory-store';
import { describe, expect, onTestFinished, test } from 'vitest';
import { listenTo } from './exchange-rig.js';
import { paramsOf, tinyAnchor } from './tiny-model.js';
import { type AnchorUnderTest, agreement, openAnchorServer, spec as shortSpec } from './trio-rig.js';

/** Long enough that no generation is over before it is replaced. */
const spec: RunSpec = { ...shortSpec, epochs: 1000 };
/** Told from the first logit of any frame: which generation's params it was computed with. */
const PARAMS_STEP = 32_768;
const paramsOfGeneration = (store: ObjectStore, generation: number) =>
  saveParams(store, 'blobs/', paramsOf(generation * PARAMS_STEP));

const startOf = (generation: number): Position => ({ runId: 'r', generation, attempt: 1, step: 0 });

const shared = agreement(spec);

async function hear(anchor: AnchorUnderTest, consumer: Role, from: Position) {
  return listenTo(anchor.address, { producer: 'anchor', consumer, from, agreement: await shared });
}

/** Refuses a frame that is not what was asked for, whatever it says of itself. */
function assertFrame(next: IteratorResult<LogitsFrame, void>, { generation, step }: Position): LogitsFrame {
  const frame = next.done ? undefined : next.value;
  const logit = frame?.logits.data[0] ?? Number.NaN;
  if (!frame || frame.position.generation !== generation || frame.position.step !== step) {
    throw new Error(`asked for step ${step} of generation ${generation}, got ${JSON.stringify(frame?.position)}`);
  }
  if (logit === generation * PARAMS_STEP + step) return frame;
  throw new Error(`step ${step} of generation ${generation} was computed by generation ${logit / PARAMS_STEP}`);
}

function sameLogits(one: LogitsFrame, other: LogitsFrame): boolean {
  return one.batchDigest === other.batchDigest && one.logits.data.every((logit, i) => logit === other.logits.data[i]);
}

/** Counts the models that are open. */
function counted() {
  const models = { open: 0, most: 0, opened: 0 };
  const open = tinyAnchor(() => {
    models.open -= 1;
  });
  const openAnchor: AnchorParts['openAnchor'] = (...given) => {
    models.open += 1;
    models.opened += 1;
    models.most = Math.max(models.most, models.open);
    return open(...given);
  };
  return { models, openAnchor };
}

async function serveAnchor(store: ObjectStore, openAnchor = tinyAnchor()): Promise<AnchorUnderTest> {
  const anchor = await openAnchorServer(store, openAnchor);
  onTestFinished(() => anchor.close());
  return anchor;
}

describe('a swap of the anchor', () => {
  const SWAPS = 100;
  /** Of the pair, in each generation, before the next swap may come. */
  const STEPS = 30;

  test('is seen by nobody who asks for what is served: 100 of them, under load', async () => {
    const store = openMemoryStore();
    const { models, openAnchor } = counted();
    const anchor = await serveAnchor(store, openAnchor);
    const count = { steps: 0, frames: 0, asked: 0, endedByName: 0 };
    const failed: unknown[] = [];
    /** The generation last asked to be loaded, and the one that is served for certain. */
    let [wanted, serving] = [1, 1];
    let over = false;
    const seen = { generation: 0, steps: 0 };

    /** Ended by a swap that was asked for, and told so: as an attempt that is over. */
    const byName = (error: unknown, generation: number) => {
      const ended = error instanceof TrikdError && error.kind === 'wrong-state' && wanted > generation;
      if (ended && error.message.includes(`asked for ${generation}`)) count.endedByName += 1;
      else failed.push(error);
    };
    /** Both trainers, step by step: neither goes on before both have a frame. */
    const pair = async () => {
      while (!over) {
        const generation = serving;
        const [teacher, student] = [
          await hear(anchor, 'teacher', startOf(generation)),
          await hear(anchor, 'student', startOf(generation)),
        ];
        try {
          for (let step = 0; !over; step++) {
            const both = await Promise.all([teacher.next(), student.next()]);
            const [one, other] = both.map((next) => assertFrame(next, { ...startOf(generation), step }));
            if (!sameLogits(one!, other!)) failed.push(new Error(`unlike frames of step ${step}`));
            count.steps += 1;
            count.frames += 2;
            if (seen.generation !== generation) seen.steps = 0;
            seen.generation = generation;
            seen.steps += 1;
          }
        } catch (error) {
          byName(error, generation);
        }
        await Promise.allSettled([teacher.return(), student.return()]);
      }
    };
    /** Opens a stream anywhere, takes a little, and leaves. */
    const passerBy = async () => {
      for (let round = 0; !over; round++) {
        const from = { ...startOf(serving), step: (round * 7) % STEPS };
        const frames = await hear(anchor, 'anchor', from);
        try {
          for (let step = from.step; step < from.step + 3; step++) {
            assertFrame(await frames.next(), { ...from, step });
            count.frames += 1;
          }
          count.asked += 1;
        } catch (error) {
          byName(error, from.generation);
        }
        await frames.return();
      }
    };
    /** Asks what is served: never something older than what it knew to be served, nor newer than what was to be loaded. */
    const asker = async () => {
      while (!over) {
        const atLeast = serving;
        const { serving: found, params } = await anchor.get();
        count.asked += 1;
        const generation = found?.generation ?? -1;
        if (generation < atLeast || generation > wanted || !params) failed.push(new Error(`served ${generation}`));
      }
    };

    await anchor.load(startOf(1), await paramsOfGeneration(store, 1), spec);
    const clients = [pair(), passerBy(), asker(), asker()];
    const swapped: number[] = [];
    for (let generation = 2; generation <= SWAPS + 1; generation++) {
      const params = await paramsOfGeneration(store, generation);
      await expect
        .poll(() => seen.generation === generation - 1 && seen.steps >= STEPS, { interval: 1, timeout: 20_000 })
        .toBe(true);
      wanted = generation;
      const from = performance.now();
      await anchor.load(startOf(generation), params, spec);
      swapped.push(performance.now() - from);
      serving = generation;
    }
    over = true;
    await Promise.all(clients);
    swapped.sort((a, b) => a - b);
    console.info(
      `${SWAPS} swaps: ${count.frames} frames, ${count.asked} answers, ${count.steps} steps that both trainers saw alike, ` +
        `${count.endedByName} streams ended by name, ${failed.length} failed; at most ${models.most} models open; ` +
        `a load took ${swapped[SWAPS / 2]?.toFixed(0)} ms (median), ${swapped.at(-1)?.toFixed(0)} ms (longest)`,
    );
    expect(failed).toEqual([]);
    expect(models).toEqual({ open: 1, most: 2, opened: SWAPS + 1 });
    expect(count.steps).toBeGreaterThanOrEqual(SWAPS * STEPS);
  });
});

describe('while frames are served, a load', () => {
  /** The anchor of generation 3, and two trainers that hear it all the time. */
  async function underLoad(openAnchor = tinyAnchor(), store = openMemoryStore()) {
    const anchor = await serveAnchor(store, openAnchor);
    await anchor.load(startOf(3), await paramsOfGeneration(store, 3), spec);
    const over = new AbortController();
    let frames = 0;
    const trainer = async (consumer: Role) => {
      const heard = await hear(anchor, consumer, startOf(3));
      for (let step = 0; !over.signal.aborted; step++) {
        assertFrame(await heard.next(), { ...startOf(3), step });
        frames += 1;
      }
      await heard.return();
    };
    const trainers = Promise.all([trainer('teacher'), trainer('student')]);
    trainers.catch(() => undefined);
    /** Frames go on coming. */
    const goesOn = async () => {
      const before = frames;
      await expect.poll(() => frames, { interval: 1 }).toBeGreaterThan(before + 10);
    };
    const end = () => {
      over.abort();
      return trainers;
    };
    return { anchor, store, goesOn, end };
  }

  test.each([
    ['flipped', (bytes: Uint8Array) => bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1), /expected SHA-256 .*, found/],
    ['cut', (bytes: Uint8Array) => bytes.slice(0, -1), /expected \d+ bytes, found \d+/],
    ['empty', () => new Uint8Array(), /expected \d+ bytes, found 0/],
  ])('of a blob that was %s is refused by name, and every frame comes', async (_name, damage, says) => {
    const { anchor, store, goesOn, end } = await underLoad();
    const params = await paramsOfGeneration(store, 4);
    const intact = await store.get(params.key);
    await store.put(params.key, damage(intact!.bytes));
    await expect(anchor.load(startOf(4), params, spec)).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringMatching(says),
      details: { code: 'DATA_LOSS' },
    });
    await goesOn();
    expect((await anchor.get()).serving).toEqual(startOf(3));
    await store.put(params.key, intact!.bytes);
    await end();
    await anchor.load(startOf(4), params, spec);
    expect((await anchor.get()).serving).toEqual(startOf(4));
  });

  test('of a blob that is gone or not finite, or of a model of another shape, is refused by name', async () => {
    const open = tinyAnchor();
    const { anchor, store, goesOn, end } = await underLoad((given, dataset, params, attempt) => {
      if (params.get('value')?.shape.length === 1) return open(given, dataset, params, attempt);
      throw new TrikdError('invalid', 'params of the anchor do not fit the model: 1 missing (value)');
    });
    const params = await paramsOfGeneration(store, 4);
    await store.remove(params.key);
    await expect(anchor.load(startOf(4), params, spec)).rejects.toMatchObject({
      kind: 'corrupt',
      message: `the anchor: blob ${params.key}: it is gone`,
    });
    const infinite = await saveParams(store, 'blobs/', paramsOf(Number.POSITIVE_INFINITY));
    await expect(anchor.load(startOf(4), infinite, spec)).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining('tensor value is Infinity at element 0'),
    });
    const other = new Map([['weights', { dtype: 'float32' as const, shape: [1, 1], data: Float32Array.of(1) }]]);
    await expect(anchor.load(startOf(4), await saveParams(store, 'blobs/', other), spec)).rejects.toMatchObject({
      kind: 'invalid',
      message: 'the anchor: params of the anchor do not fit the model: 1 missing (value)',
    });
    await goesOn();
    expect((await anchor.get()).serving).toEqual(startOf(3));
    await end();
  });

  test('that fails while it is scored leaves no model behind', async () => {
    const { models, openAnchor } = counted();
    const { anchor, store, goesOn, end } = await underLoad(async (...given) => {
      const model = await openAnchor(...given);
      if (given[3].generation === 3) return model;
      return { ...model, evaluate: () => Promise.reject(new TrikdError('diverged', 'logits are NaN')) };
    });
    await expect(anchor.load(startOf(4), await paramsOfGeneration(store, 4), spec)).rejects.toMatchObject({
      kind: 'diverged',
    });
    expect(models).toMatchObject({ open: 1, opened: 2 });
    await goesOn();
    await end();
  });

  test('that the store keeps waiting gives way to a newer one, by name', async () => {
    const never = Promise.withResolvers<never>();
    const store = openMemoryStore();
    const stuck = await paramsOfGeneration(store, 4);
    const halting: ObjectStore = { ...store, get: (key) => (key === stuck.key ? never.promise : store.get(key)) };
    const { anchor, goesOn, end } = await underLoad(tinyAnchor(), halting);
    const waiting = anchor.load(startOf(4), stuck, spec);
    const superseded = expect(waiting).rejects.toMatchObject({
      kind: 'out-of-step',
      message: 'the anchor: run r generation 4 attempt 1 was superseded by run r generation 5 attempt 1',
    });
    await goesOn();
    await expect(anchor.load({ ...startOf(4), attempt: 0 }, stuck, spec)).rejects.toMatchObject({
      kind: 'out-of-step',
      message: 'the anchor: run r generation 4 attempt 0 comes after run r generation 4 attempt 1',
    });
    await expect(anchor.load(startOf(4), await paramsOfGeneration(store, 9), spec)).rejects.toMatchObject({
      kind: 'wrong-state',
      message: expect.stringContaining(`not from `),
    });
    await end();
    await anchor.load(startOf(5), await paramsOfGeneration(store, 5), spec);
    await superseded;
    expect((await anchor.get()).serving).toEqual(startOf(5));
  });

  test('during trouble of the store waits until it is over, and the same load asked for again joins it', async () => {
    const store = openMemoryStore();
    const params = await paramsOfGeneration(store, 4);
    let [refused, mended] = [0, false];
    const { models, openAnchor } = counted();
    const { anchor, goesOn, end } = await underLoad(openAnchor, {
      ...store,
      async get(key) {
        if (key !== params.key || mended) return store.get(key);
        refused += 1;
        throw new TrikdError('unavailable', 'the store says SlowDown');
      },
    });
    const loads = [anchor.load(startOf(4), params, spec), anchor.load(startOf(4), params, spec)];
    await expect.poll(() => refused).toBeGreaterThan(1);
    await goesOn();
    await end();
    mended = true;
    const [one, other] = await Promise.all(loads);
    expect(one).toEqual(other);
    expect(models.opened).toBe(2);
    expect((await anchor.get()).serving).toEqual(startOf(4));
  });

  test('is not held up by a client that reads nothing of what is served', async () => {
    const { models, openAnchor } = counted();
    const { anchor, store, end } = await underLoad(openAnchor);
    await end();
    const stalled = await hear(anchor, 'student', startOf(3));
    await stalled.next();
    await anchor.load(startOf(4), await paramsOfGeneration(store, 4), spec);
    await expect.poll(() => models.open).toBe(1);
    const next = await hear(anchor, 'student', startOf(4));
    assertFrame(await next.next(), startOf(4));
    await Promise.all([next.return(), stalled.return()]);
  });
});
