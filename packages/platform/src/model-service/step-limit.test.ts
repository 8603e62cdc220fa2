import { TrikdError } from '@trikd/core/errors';
import { describe, expect, test } from 'vitest';
import { createStepLimit } from './step-limit.js';

describe('a step limit', () => {
  test('wakes whoever rests at it when it moves', async () => {
    const limit = createStepLimit(5);
    const moved = limit.changed(5);
    limit.move(9);
    await moved;
    expect(limit.value).toBe(9);
  });

  test('does not keep anybody who knows an older value', async () => {
    await expect(createStepLimit(5).changed(3)).resolves.toBeUndefined();
  });

  test('gives its reason to whoever rests when the attempt is abandoned', async () => {
    const limit = createStepLimit(5);
    const moved = limit.changed(5);
    limit.abandon(new TrikdError('out-of-step', 'superseded'));
    await expect(moved).rejects.toThrow('superseded');
    await expect(limit.changed(5)).rejects.toThrow('superseded');
  });
});
