import { z } from 'zod';
import type { Stage } from '../stages/stage.js';
import { method } from './method.js';
import { fresh, frozen, hinted, hintKnobs, inOrder, labels, stage, studentOf, teacherOf } from './parts.js';

const Knobs = z.strictObject({
  kind: z
    .literal('takd')
    .describe('the teacher teaches an assistant, which teaches the next one, and the last one teaches the student'),
  ...hintKnobs,
});

/**
 * Teacher assistants (Mirzadeh et al., arXiv:1902.03393): a chain of distillations through `assistants`, from the largest to the smallest.
 * Each link is L = a · CE(y, p) + b · T² · KL(p_before ‖ p).
 */
export const takd = method({
  knobs: Knobs,
  uses: ['teacher', 'assistants'],
  stages(run, knobs) {
    const chain = [
      { name: 'teacher', ...teacherOf(run) },
      ...(run.assistants ?? []).map((assistant, index) => ({ name: `assistant-${index + 1}`, ...assistant })),
      { name: 'student', ...studentOf(run) },
    ];
    const stages: Omit<Stage, 'index'>[] = [];
    for (const { name, ...training } of chain) {
      const before = stages.at(-1);
      const taught = before?.learners[0];
      const objective = taught ? hinted(taught.name, knobs) : [labels()];
      const learner = fresh(name, name === 'student' ? 'student' : 'teacher', training, objective);
      stages.push(stage(run, name, [learner], before && taught ? { frozen: [frozen(before, taught)] } : {}));
    }
    return inOrder(stages);
  },
});
