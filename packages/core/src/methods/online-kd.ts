import { z } from 'zod';
import { method } from './method.js';
import {
  fresh,
  hinted,
  hintWeight,
  inOrder,
  labels,
  stage,
  studentOf,
  taskWeight,
  teacherOf,
  temperature,
} from './parts.js';

const Knobs = z.strictObject({
  kind: z
    .literal('online-kd')
    .describe('the teacher learns from the labels beside the student, and teaches it from the first step'),
  taskWeight: taskWeight(1),
  weight: hintWeight(1),
  temperature: temperature(),
});

/** One-way online distillation: as `kd`, with a teacher that learns at the same time, from the labels alone. */
export const onlineKd = method({
  knobs: Knobs,
  uses: ['teacher'],
  stages: (run, knobs) =>
    inOrder([
      stage(run, 'student', [
        fresh('student', 'student', studentOf(run), hinted('teacher', knobs)),
        fresh('teacher', 'teacher', teacherOf(run), [labels()]),
      ]),
    ]),
});
