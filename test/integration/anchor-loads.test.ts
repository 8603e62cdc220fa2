import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Role } from '@trikd/core/domain/position';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { numberAnchor, paramsOf } from '@trikd/testing/toy-model/number-model';
import { describe, expect, test } from 'vitest';
import { assertFrame, counted, hear, paramsOfStage, serveAnchor, spec, startOf } from './anchor-rig.js';

describe('while frames are served, a load', () => {
  /** The anchor of generation 3, and two trainers that hear it all the time. */
  async function underLoad(openFrozen = numberAnchor(), store = memoryStore()) {
    const anchor = await serveAnchor(store, openFrozen);
    await anchor.load(startOf(3), await paramsOfStage(store, 3), spec);
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
  ])('of a blob that was %s is rejected by name, and every frame is sent', async (_name, damage, says) => {
    const { anchor, store, goesOn, end } = await underLoad();
    const params = await paramsOfStage(store, 4);
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
    const open = numberAnchor();
    const { anchor, store, goesOn, end } = await underLoad((given, dataset, model, params, attempt) => {
      if (params.get('value')?.shape.length === 1) return open(given, dataset, model, params, attempt);
      throw new TrikdError('invalid', 'params of the anchor do not fit the model: 1 missing (value)');
    });
    const params = await paramsOfStage(store, 4);
    await store.remove(params.key);
    await expect(anchor.load(startOf(4), params, spec)).rejects.toMatchObject({
      kind: 'corrupt',
      message: `the anchor: blob ${params.key}: it is gone`,
    });
    const infinite = await saveParams(store, blobsFolder(startOf(4)), paramsOf(Number.POSITIVE_INFINITY));
    await expect(anchor.load(startOf(4), infinite, spec)).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining('tensor value is Infinity at element 0'),
    });
    const other = new Map([['weights', { dtype: 'float32' as const, shape: [1, 1], data: Float32Array.of(1) }]]);
    await expect(
      anchor.load(startOf(4), await saveParams(store, blobsFolder(startOf(4)), other), spec),
    ).rejects.toMatchObject({
      kind: 'invalid',
      message: 'the anchor: params of the anchor do not fit the model: 1 missing (value)',
    });
    await goesOn();
    expect((await anchor.get()).serving).toEqual(startOf(3));
    await end();
  });

  test('that fails while it is scored leaves no model open', async () => {
    const { models, openFrozen } = counted();
    const { anchor, store, goesOn, end } = await underLoad(async (...given) => {
      const model = await openFrozen(...given);
      const [, , , , { stage }] = given;
      if (stage === 3) return model;
      return { ...model, evaluate: () => Promise.reject(new TrikdError('diverged', 'logits are NaN')) };
    });
    await expect(anchor.load(startOf(4), await paramsOfStage(store, 4), spec)).rejects.toMatchObject({
      kind: 'diverged',
    });
    expect(models).toMatchObject({ open: 1, opened: 2 });
    await goesOn();
    await end();
  });

  test('that waits for the store is superseded by a newer one, by name', async () => {
    const never = Promise.withResolvers<never>();
    const store = memoryStore();
    const stuck = await paramsOfStage(store, 4);
    const halting: ObjectStore = { ...store, get: (key) => (key === stuck.key ? never.promise : store.get(key)) };
    const { anchor, goesOn, end } = await underLoad(numberAnchor(), halting);
    const waiting = anchor.load(startOf(4), stuck, spec);
    const superseded = expect(waiting).rejects.toMatchObject({
      kind: 'out-of-step',
      message: 'the anchor: run r stage 4 attempt 1 was superseded by run r stage 5 attempt 1',
    });
    await goesOn();
    await expect(anchor.load({ ...startOf(4), attempt: 0 }, stuck, spec)).rejects.toMatchObject({
      kind: 'out-of-step',
      message: 'the anchor: run r stage 4 attempt 0 comes after run r stage 4 attempt 1',
    });
    await expect(anchor.load(startOf(4), await paramsOfStage(store, 9), spec)).rejects.toMatchObject({
      kind: 'out-of-step',
      message:
        'the anchor: run r stage 4 attempt 1 is assigned already, with other params, another spec or another secret',
    });
    await end();
    await anchor.load(startOf(5), await paramsOfStage(store, 5), spec);
    await superseded;
    expect((await anchor.get()).serving).toEqual(startOf(5));
  });

  test('is rejected in an earlier term, and wins in a later one whatever its attempt', async () => {
    const { anchor, store, end } = await underLoad(numberAnchor());
    const params = await paramsOfStage(store, 2);
    await anchor.load(startOf(3), await paramsOfStage(store, 3), spec, undefined, 2);
    await expect(anchor.load(startOf(4), params, spec, undefined, 1)).rejects.toMatchObject({
      kind: 'out-of-step',
      message: 'the anchor: run r stage 4 attempt 1 is ordered in term 1, another orchestrator leads in term 2',
    });
    await end();
    await anchor.load(startOf(2), params, spec, undefined, 3);
    expect((await anchor.get()).serving).toEqual(startOf(2));
  });

  test('during an outage of the store waits for its end, and the same load requested again joins it', async () => {
    const store = memoryStore();
    const params = await paramsOfStage(store, 4);
    let [refused, mended] = [0, false];
    const { models, openFrozen } = counted();
    const { anchor, goesOn, end } = await underLoad(openFrozen, {
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

  test('is not delayed by a client that reads none of its frames', async () => {
    const { models, openFrozen } = counted();
    const { anchor, store, end } = await underLoad(openFrozen);
    await end();
    const stalled = await hear(anchor, 'student', startOf(3));
    await stalled.next();
    await anchor.load(startOf(4), await paramsOfStage(store, 4), spec);
    await expect.poll(() => models.open).toBe(1);
    const next = await hear(anchor, 'student', startOf(4));
    assertFrame(await next.next(), startOf(4));
    await Promise.all([next.return(), stalled.return()]);
  });
});
