import { z } from 'zod';
import { method } from './method.js';
import { fresh, hinted, hintWeight, inOrder, stage, studentOf, taskWeight, teacherOf, temperature } from './parts.js';

const Knobs = z.strictObject({
  kind: z.literal('dml').describe('two models learn together, each from the labels and from the other'),
  taskWeight: taskWeight(1),
  weight: hintWeight(1),
  temperature: temperature(1),
});

/**
 * Deep mutual learning of two networks (Zhang et al., arXiv:1706.00384): L_k = CE(y, p_k) + KL(p_l ‖ p_k), T = 1, each network a constant
 * for the other.
 */
export const dml = method({
  knobs: Knobs,
  uses: ['teacher'],
  stages: (run, knobs) =>
    inOrder([
      stage(run, 'student', [
        fresh('student', 'student', studentOf(run), hinted('teacher', knobs)),
        fresh('teacher', 'teacher', teacherOf(run), hinted('student', knobs)),
      ]),
    ]),
});
