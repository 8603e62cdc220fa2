import { z } from 'zod';
import { method } from './method.js';
import { fresh, frozenTeacher, hinted, hintKnobs, inOrder, stage, studentOf } from './parts.js';

const Knobs = z.strictObject({
  kind: z.literal('kd').describe('the teacher converges on the labels, is frozen, and teaches the student'),
  ...hintKnobs,
});

/**
 * Knowledge distillation (Hinton, Vinyals, Dean, arXiv:1503.02531): L = a · CE(y, p_S) + b · T² · KL(p_T ‖ p_S) with a frozen teacher.
 * The defaults a = 0.1, b = 0.9, T = 4 are those of public code for CIFAR-100.
 */
export const kd = method({
  knobs: Knobs,
  uses: ['teacher'],
  freezesTeacher: true,
  stages(run, knobs) {
    const { stages, teacher } = frozenTeacher(run);
    const student = fresh('student', 'student', studentOf(run), hinted('teacher', knobs));
    return inOrder([...stages, stage(run, 'student', [student], { frozen: [teacher] })]);
  },
});
