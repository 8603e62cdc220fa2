import { describe, expect, test } from 'vitest';
import { createStepLimit } from './step-limit.js';

describe('a step limit', () => {
  test('wakes everybody who waits when it moves', async () => {
    const limit = createStepLimit(4);
    const waiting = Promise.all([limit.changed(4), limit.changed(4)]);
    limit.move(9);
    await waiting;
    expect(limit.value).toBe(9);
  });

  test('does not wait when it is not what was seen', async () => {
    const limit = createStepLimit(4);
    await expect(limit.changed(3)).resolves.toBeUndefined();
  });

  test('makes those who wait, and those who come later, give up with the reason', async () => {
    const limit = createStepLimit(4);
    const reason = new Error('superseded');
    const waiting = limit.changed(4);
    limit.abandon(reason);
    limit.abandon(new Error('later'));
    await expect(waiting).rejects.toBe(reason);
    await expect(limit.changed(4)).rejects.toBe(reason);
    await expect(limit.changed(3)).rejects.toBe(reason);
  });
});
