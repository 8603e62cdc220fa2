import { expect, test } from 'vitest';
import { lockstepTime, simulatedLockstep } from './lockstep.ts';

test.each([
  ['of the slower learner, where the exchange is hidden', [30, 60], [10, 20], 25],
  ['of both and two exchanges in two steps, where it is not', [30, 60], [10, 20], 40],
  ['of equal learners, which wait for each other in each', [30, 60], [30, 60], 5],
] as const)(
  'a step takes the time %s, as with the windows of the services',
  async (_name, teacher, student, exchange) => {
    const times = {
      forward: { teacher: teacher[0], student: student[0] },
      backward: { teacher: teacher[1], student: student[1] },
      exchange,
    };
    const [formula, simulated] = [lockstepTime(times), await simulatedLockstep(times, 100)];
    expect(Math.abs(simulated / formula - 1)).toBeLessThan(0.01);
  },
);
