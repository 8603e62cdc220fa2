import { describe, expect, test } from 'vitest';
import { virtualClock } from './virtual-clock.js';

describe('virtual time', () => {
  test('stands still until it is advanced', async () => {
    const clock = virtualClock();
    expect(clock.now()).toBe(0);
    await clock.advance(5);
    await clock.advance(2.5);
    expect(clock.now()).toBe(7.5);
  });

  test('wakes sleepers in the order of their times, each at its own', async () => {
    const clock = virtualClock();
    const woken: [string, number][] = [];
    const sleep = async (name: string, ms: number) => {
      await clock.sleep(ms);
      woken.push([name, clock.now()]);
    };
    void sleep('late', 30);
    void sleep('early', 10).then(() => sleep('again', 15));
    await clock.advance(20);
    expect(woken).toEqual([['early', 10]]);
    await clock.advance(20);
    expect(woken).toEqual([
      ['early', 10],
      ['again', 25],
      ['late', 30],
    ]);
    expect([clock.now(), clock.sleepers]).toEqual([40, 0]);
  });

  test('ends a sleep with the reason of its signal', async () => {
    const clock = virtualClock();
    const abort = new AbortController();
    const reason = new Error('enough');
    const sleeping = clock.sleep(10, abort.signal);
    abort.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(clock.sleep(10, abort.signal)).rejects.toBe(reason);
    expect(clock.sleepers).toBe(0);
  });
});
