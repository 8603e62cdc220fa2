import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { expect, test } from 'vitest';
import { createLanes, createSerial } from './serial.js';

const limits = { name: 'commands of a run', most: 3, seconds: 10 };

/** Work that ends when a test says so. */
function held(log: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const work = async () => {
    log.push(name);
    await promise;
    return name;
  };
  return { work, end: resolve };
}

test('work of one key waits for the work before it, and work of another key does not', async () => {
  const lanes = createLanes(limits, virtualClock());
  const log: string[] = [];
  const first = held(log, 'a 1');
  const results = [lanes.run('a', first.work), lanes.run('a', async () => log.push('a 2'))];
  await lanes.run('b', async () => log.push('b 1'));
  expect(log).toEqual(['a 1', 'b 1']);
  expect([lanes.busy('a'), lanes.busy('b')]).toEqual([true, false]);
  first.end();
  await Promise.all(results);
  await lanes.idle();
  expect(log).toEqual(['a 1', 'b 1', 'a 2']);
  expect(lanes.busy('a')).toBe(false);
});

test('more work than the limit is refused by the name of the limit', async () => {
  const lanes = createLanes(limits, virtualClock());
  const first = held([], 'first');
  const all = [1, 2, 3].map(() => lanes.run('a', first.work));
  await expect(lanes.run('a', first.work)).rejects.toMatchObject({
    ...{ kind: 'exhausted', message: 'commands of a run: at most 3 wait for a; retry later' },
  });
  first.end();
  await Promise.all(all);
  expect(await lanes.run('a', async () => 'again')).toBe('again');
});

test('work that waits for too long is refused and never run, and work that has begun is not ended', async () => {
  const clock = virtualClock();
  const lanes = createLanes(limits, clock);
  const log: string[] = [];
  const first = held(log, 'first');
  const running = lanes.run('a', first.work);
  const late = expect(lanes.run('a', async () => log.push('late'))).rejects.toMatchObject({ kind: 'exhausted' });
  await clock.advance(10_000);
  await late;
  first.end();
  expect(await running).toBe('first');
  await lanes.idle();
  expect(log).toEqual(['first']);
});

test('a failure does not stop the work after it', async () => {
  const lanes = createLanes(limits, virtualClock());
  const failed = lanes.run('a', async () => {
    throw new Error('failed');
  });
  const next = lanes.run('a', async () => 'next');
  await expect(failed).rejects.toThrow('failed');
  expect(await next).toBe('next');
});

test('work starts when the work before it has settled, whatever became of that', async () => {
  const serial = createSerial();
  const log: string[] = [];
  const first = Promise.withResolvers<void>();
  const failed = serial.run(async () => {
    log.push('first starts');
    await first.promise;
    log.push('first fails');
    throw new Error('first');
  });
  const second = serial.run(async () => {
    log.push('second');
    return 2;
  });
  await Promise.resolve();
  expect(log).toEqual(['first starts']);
  first.resolve();
  await expect(failed).rejects.toThrow('first');
  expect(await second).toBe(2);
  expect(log).toEqual(['first starts', 'first fails', 'second']);
});

test('idle waits for all work up to now', async () => {
  const serial = createSerial();
  let done = false;
  void serial.run(async () => {
    await Promise.resolve();
    done = true;
  });
  await serial.idle();
  expect(done).toBe(true);
});
