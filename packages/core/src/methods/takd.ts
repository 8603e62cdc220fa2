import { z } from 'zod';
import { method } from './method.js';
import { fresh, frozen, frozenTeacher, hinted, hintKnobs, inOrder, stage, studentOf } from './parts.js';

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
  freezesTeacher: true,
  stages(run, knobs) {
    const first = frozenTeacher(run);
    const chain = [
      ...(run.assistants ?? []).map((assistant, index) => ({ name: `assistant-${index + 1}`, ...assistant })),
      { name: 'student', ...studentOf(run) },
    ];
    const stages = [...first.stages];
    let { teacher } = first;
    for (const { name, ...training } of chain) {
      const slot = name === 'student' ? 'student' : 'teacher';
      const learner = fresh(name, slot, training, hinted(teacher.name, knobs));
      const next = stage(run, name, [learner], { frozen: [teacher] });
      stages.push(next);
      teacher = frozen(next, learner);
    }
    return inOrder(stages);
  },
});
