import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { orAborted } from './or-aborted.js';

const never = new Promise<never>(() => {});
const reason = new Error('given up');

describe('orAborted', () => {
  test('is the promise while nothing aborts, and leaves nothing on the signal', async () => {
    const { signal } = new AbortController();
    await expect(orAborted(Promise.resolve(7), signal)).resolves.toBe(7);
    await expect(orAborted(Promise.reject(reason), signal)).rejects.toBe(reason);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('rejects with the reason when the signal aborts, before or meanwhile', async () => {
    await expect(orAborted(never, AbortSignal.abort(reason))).rejects.toBe(reason);
    const abort = new AbortController();
    const waiting = orAborted(never, abort.signal);
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });
});
