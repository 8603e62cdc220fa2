import type { ScheduleSpec } from '../spec/role-spec.js';

/**
 * The learning rate of one step. It rises linearly over `warmupSteps`, from peak / warmupSteps at step 0, and then
 * follows the schedule. Steps count from 0 and the last is `totalSteps` - 1; the cosine would reach 0 at `totalSteps`
 * (Loshchilov & Hutter 2017). If the warm-up is not shorter than the generation, the schedule has no effect.
 */
export function learningRate(
  schedule: ScheduleSpec,
  peak: number,
  warmupSteps: number,
  totalSteps: number,
  step: number,
): number {
  if (step < warmupSteps) return peak * ((step + 1) / warmupSteps);
  switch (schedule.kind) {
    case 'constant':
      return peak;
    case 'cosine': {
      const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
      return (peak * (1 + Math.cos(Math.PI * progress))) / 2;
    }
    case 'multistep': {
      const passed = schedule.milestones.filter((milestone) => step >= milestone * totalSteps).length;
      return peak * schedule.factor ** passed;
    }
  }
}
