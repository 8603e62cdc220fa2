import { describe, expect, test } from 'vitest';
import type { Score } from '../../domain/role-checkpoint.js';
import { degenerate } from './classification.js';

const score = (accuracy: number, examples = 2000): Score => ({ metrics: { accuracy, nll: 0.7 }, examples });

describe('degenerate', () => {
  test('refuses a collapsed net, which gives one answer to every image', () => {
    expect(degenerate(score(0.1), { classes: 10 })).toMatch('accuracy 0.1000 on 2000 validation images of 10 classes');
    expect(degenerate(score(0.5, 400), { classes: 2 })).toMatch('answers like chance');
  });

  test('refuses scores that are not finite', () => {
    const infinite = { metrics: { accuracy: 0.9, nll: Number.NaN }, examples: 2000 };
    expect(degenerate(infinite, { classes: 10 })).toBe('its validation score is not finite: accuracy 0.9, NLL NaN');
  });

  test('accepts a weak net that is better than guessing, also with two classes', () => {
    expect(degenerate(score(0.15), { classes: 10 })).toBeUndefined();
    expect(degenerate(score(0.7, 400), { classes: 2 })).toBeUndefined();
  });
});
