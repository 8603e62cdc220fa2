import { saveParams } from '@trikd/core/checkpoint/blobs';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { createLogger } from '@trikd/process/logging';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { describe, expect, test } from 'vitest';
import { STORE_SECONDS, storedParams } from './stored-params.js';

const params = new Map([['value', { dtype: 'float32' as const, shape: [1], data: Float32Array.of(3) }]]);

/** A store with one blob, whose `get` is what a test makes of it. */
async function rig(get: (inner: ObjectStore) => ObjectStore['get']) {
  const inner = memoryStore();
  const blob = await saveParams(inner, 'blobs/', params);
  const clock = virtualClock();
  const lines: string[] = [];
  const log = createLogger({ level: 'info' }, 'test', { write: (line) => void lines.push(line) });
  const store = { ...inner, get: get(inner) };
  const left = new AbortController();
  const load = () => storedParams({ store, clock, random: () => 1, log }, blob, left.signal);
  return { blob, clock, lines, left, load };
}

describe('params from a store in trouble', () => {
  test('are asked for again, ever more rarely, and the trouble is told once', async () => {
    let refused = 0;
    const { clock, lines, load } = await rig((inner) => async (key) => {
      if (refused === 5) return inner.get(key);
      refused += 1;
      throw new TrikdError('unavailable', 'the store says SlowDown');
    });
    const loading = load();
    await clock.advance(100 + 200 + 400 + 800 - 1);
    expect(refused).toBe(4);
    await clock.advance(1601);
    expect(await loading).toEqual(params);
    expect(lines.filter((line) => line.includes('the store says SlowDown'))).toHaveLength(1);
    expect(clock.sleepers).toBe(0);
  });

  test.each([
    ['refuses', async () => Promise.reject(new TrikdError('unavailable', 'access denied')), 'access denied'],
    ['does not answer', () => new Promise<never>(() => undefined), 'no answer'],
  ])('that %s for a minute are given up with the reason', async (_name, get, reason) => {
    const { blob, clock, load } = await rig(() => get);
    const failed = expect(load()).rejects.toMatchObject({
      kind: 'unavailable',
      message: `waited ${STORE_SECONDS} s for ${blob.key}: ${reason}`,
    });
    await clock.advance(STORE_SECONDS * 1000);
    await failed;
    expect(clock.sleepers).toBe(0);
  });

  test('are given up at once by whoever asked', async () => {
    const { clock, left, load } = await rig(() => () => new Promise<never>(() => undefined));
    const failed = expect(load()).rejects.toThrow('superseded');
    left.abort(new Error('superseded'));
    await failed;
    expect(clock.sleepers).toBe(0);
  });

  test('that are gone are not waited for', async () => {
    const { load } = await rig(() => async () => undefined);
    await expect(load()).rejects.toMatchObject({ kind: 'corrupt', message: expect.stringContaining('it is gone') });
  });
});
