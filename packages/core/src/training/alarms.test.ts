import { describe, expect, test } from 'vitest';
import { classification } from '../tasks/classification/classification.js';
import { collapseAlarm, explosionAlarm, lossAlarms } from './alarms.js';

const CHANCE = Math.log(10);
const ofTen = classification.chance({ classes: 10 });

/** How often the alarm speaks for a series of losses. */
const spoken = (losses: readonly number[], patience = 3) => {
  const alarm = collapseAlarm(ofTen, patience);
  return losses.map((loss) => alarm(loss) !== undefined);
};

describe('the alarm of a collapsed pair', () => {
  test('speaks at the last step of its patience at the loss of guessing, and once', () => {
    expect(spoken([CHANCE, CHANCE, CHANCE, CHANCE, CHANCE])).toEqual([false, false, true, false, false]);
  });

  test('takes a loss within 1 % for that of guessing', () => {
    expect(spoken([1.009 * CHANCE, 0.991 * CHANCE, CHANCE])).toEqual([false, false, true]);
    expect(spoken([1.011 * CHANCE, 0.989 * CHANCE, CHANCE])).toEqual([false, false, false]);
  });

  test('starts counting again after a loss that says something, and can speak again', () => {
    const series = [CHANCE, CHANCE, 1, CHANCE, CHANCE, CHANCE, 2, CHANCE, CHANCE, CHANCE];
    expect(spoken(series)).toEqual([false, false, false, false, false, true, false, false, false, true]);
  });

  test('is silent about an objective without a task term', () => {
    expect(spoken(Array(10).fill(Number.NaN))).toEqual(Array(10).fill(false));
  });

  test('names the loss, the steps and what to do', () => {
    expect(collapseAlarm(ofTen, 1)(CHANCE)).toBe(
      'the task loss has been at ln(10) = 2.3026 for 1 steps, as if the model knew nothing: ' +
        'lower the learning rate, lengthen the warm-up, or reduce the distillation weights of the teacher',
    );
  });
});

describe('the alarm of an exploded loss', () => {
  const LIMIT = 100 * CHANCE;
  const explosions = (losses: readonly number[]) => {
    const alarm = explosionAlarm(ofTen, 3);
    return losses.map((loss) => alarm(loss) !== undefined);
  };

  test('speaks once for each time that the loss stays far above that of guessing', () => {
    expect(explosions([1e19, 1e19, 1e19, 1e19, 2, 1e19, 1e19, LIMIT + 1])).toEqual([
      ...[false, false, true, false, false, false, false, true],
    ]);
  });

  test('is silent about a loss that comes down again, and about an objective without a task term', () => {
    expect(explosions([1e19, 1e19, LIMIT, 1e19, 1e19])).toEqual(Array(5).fill(false));
    expect(explosions(Array(10).fill(Number.NaN))).toEqual(Array(10).fill(false));
  });

  test('is one of those that a trainer watches', () => {
    const alarm = lossAlarms(ofTen, 50);
    const messages = Array.from({ length: 25 }, () => alarm(1e19)).filter((message) => message !== undefined);
    expect(messages).toEqual([
      'the task loss has exploded: it has been above 230, 100 times chance level, for 20 steps: ' +
        'lower the learning rate, lengthen the warm-up, or set a smaller clipNorm',
    ]);
  });
});
