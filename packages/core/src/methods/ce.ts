import { z } from 'zod';
import { method } from './method.js';
import { fresh, inOrder, labels, stage, studentOf } from './parts.js';

const Knobs = z.strictObject({ kind: z.literal('ce').describe('the student learns from the labels alone') });

/** The student alone: L = CE(y, p_S). What every other method is compared with. */
export const ce = method({
  knobs: Knobs,
  uses: [],
  stages: (run) => inOrder([stage(run, 'student', [fresh('student', 'student', studentOf(run), [labels()])])]),
});
