import { z } from 'zod';
import { method } from './method.js';
import {
  fresh,
  frozenTeacher,
  hint,
  hintWeight,
  inOrder,
  labels,
  stage,
  studentOf,
  taskWeight,
  temperature,
} from './parts.js';

const Knobs = z.strictObject({
  kind: z
    .literal('sckd')
    .describe('kd whose hint counts only in steps where its gradient agrees with that of the labels'),
  taskWeight: taskWeight(1),
  weight: hintWeight(1),
  temperature: temperature(),
  threshold: z
    .number()
    .min(-1)
    .max(1)
    .default(0)
    .describe('least cosine of the two gradients for which the hint counts'),
});

/**
 * Student customized knowledge distillation (Zhu & Wang, ICCV 2021): each step goes along g_0 + γ λ g_k, where γ is 1 if the cosine of the
 * gradient of the labels g_0 and that of the hint g_k, both by all params of the student, is at least `threshold`, and 0 otherwise.
 */
export const sckd = method({
  knobs: Knobs,
  uses: ['teacher'],
  freezesTeacher: true,
  stages(run, { threshold, ...knobs }) {
    const { stages, teacher } = frozenTeacher(run);
    const gated = { ...hint('teacher', knobs), gate: { kind: 'params-similarity' as const, threshold } };
    const student = fresh('student', 'student', studentOf(run), [labels(knobs.taskWeight), gated]);
    return inOrder([...stages, stage(run, 'student', [student], { frozen: [teacher] })]);
  },
});
