import { specFor } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { stagePlan } from './stage-plan.js';

const planOf = (changes: Readonly<Record<string, unknown>>, examples = 70) => {
  const spec = specFor('tiny', changes);
  return stagePlan(spec, spec.batchSize, examples);
};
const steps = (due: (steps: number) => boolean) => Array.from({ length: 30 }, (_, i) => i).filter(due);

describe('the plan of a stage', () => {
  test('counts whole batches: 70 images in batches of 16 are 4 steps an epoch', () => {
    expect(planOf({ epochs: 5 })).toMatchObject({ stepsPerEpoch: 4, totalSteps: 20 });
  });

  test('rejects a warm-up that is longer than the stage', () => {
    expect(() => planOf({ epochs: 5, warmupSteps: 20 })).not.toThrow();
    expect(() => planOf({ epochs: 5, warmupSteps: 21, data: { kind: 'idx' } })).toThrow(
      'warmupSteps: 21 steps of warm-up are more than the 20 steps of a stage',
    );
  });

  test('validates and saves by epochs, and at the end whatever the rhythm', () => {
    const plan = planOf({ epochs: 5, evaluation: { everyEpochs: 2 }, checkpoint: { everyEpochs: 3 } });
    expect(steps(plan.validatesAfter)).toEqual([8, 16, 20, 24]);
    expect(steps(plan.savesAfter)).toEqual([12, 20, 24]);
  });

  test('saves by steps besides', () => {
    const plan = planOf({ epochs: 5, evaluation: { everyEpochs: 2 }, checkpoint: { everyEpochs: 3, everySteps: 5 } });
    expect(steps(plan.savesAfter)).toEqual([5, 10, 12, 15, 20, 24, 25]);
    expect(steps(plan.validatesAfter)).toEqual([8, 16, 20, 24]);
  });

  test('has only its end where the rhythm is longer than the stage', () => {
    const plan = planOf({ epochs: 2, evaluation: { everyEpochs: 10 } });
    expect(steps(plan.validatesAfter)).toEqual([8]);
  });

  test('never does anything before the first step', () => {
    expect(planOf({}).validatesAfter(0)).toBe(false);
    expect(planOf({}).savesAfter(0)).toBe(false);
  });

  test('is refused for fewer images than a batch', () => {
    expect(() => planOf({}, 15)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });
});
