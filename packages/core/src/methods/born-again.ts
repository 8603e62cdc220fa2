import { z } from 'zod';
import type { Stage } from '../stages/stage.js';
import { method } from './method.js';
import {
  fresh,
  frozen,
  hinted,
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
    .literal('born-again')
    .describe('each generation of the student learns from the one before; `curriculum` says how many'),
  taskWeight: taskWeight(1),
  weight: hintWeight(1),
  temperature: temperature(1),
});

/**
 * Born-again networks (Furlanello et al., arXiv:1805.04770): generation 0 learns from the labels, each later one also from the best params
 * of the generation before, which has the same architecture.
 */
export const bornAgain = method({
  knobs: Knobs,
  uses: [],
  stages(run, knobs) {
    const student = (previous: boolean) =>
      fresh('student', 'student', studentOf(run), previous ? hinted('previous', knobs) : [labels()]);
    const stages: Omit<Stage, 'index'>[] = [];
    for (let generation = 0; generation < run.curriculum.generations; generation++) {
      const before = stages.at(-1);
      const previous = before ? [frozen(before, student(false), 'previous')] : [];
      const rest = { frozen: previous, generation };
      stages.push(stage(run, `generation-${generation}`, [student(before !== undefined)], rest));
    }
    return inOrder(stages);
  },
});
