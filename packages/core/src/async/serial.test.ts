import { expect, test } from 'vitest';
import { createSerial } from './serial.js';

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
