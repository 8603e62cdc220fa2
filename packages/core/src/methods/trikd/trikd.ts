import { z } from 'zod';
import type { Stage } from '../../stages/stage.js';
import { method } from '../method.js';
import { fresh, frozenTeacher, hinted, hintKnobs, inOrder, labels, stage, studentOf } from '../parts.js';
import { generation } from './generations.js';

const Knobs = z.strictObject({
  kind: z
    .literal('trikd')
    .describe(
      'student and teacher learn from each other and from a frozen anchor, which is the student of the generation before',
    ),
  anchorTeaches: z
    .enum(['both', 'student', 'teacher'])
    .default('both')
    .describe('the learners that the anchor teaches: an ablation'),
  firstAnchor: z
    .enum(['online', 'labels', 'kd'])
    .default('online')
    .describe(
      'how generation 0 makes the first anchor; online: student and teacher from each other; labels: the student alone; kd: the student ' +
        'from a teacher that has converged',
    ),
});
type Knobs = z.infer<typeof Knobs>;

/**
 * Triplet knowledge distillation (arXiv:2305.15975):
 *
 *     L_S = w1 CE(y, p_S) + w2 T² KL(p_T ‖ p_S) + w3 T² KL(p_A ‖ p_S)
 *     L_T = w4 CE(y, p_T) + w5 T² KL(p_S ‖ p_T) + w6 T² KL(p_A ‖ p_T)
 *
 * with the anchor A frozen. The student of a generation becomes the anchor of the next one, where student and teacher start again from
 * fresh params. The weights are the objectives of `student` and `teacher`.
 */
export const trikd = method({
  knobs: Knobs,
  uses: ['teacher', 'objective'],
  stages(run, { firstAnchor, anchorTeaches }) {
    const { generations } = run.curriculum;
    const later = Array.from({ length: generations - 1 }, (_, index) =>
      generation(run, index + 1, true, anchorTeaches),
    );
    return inOrder([...first(run, firstAnchor), ...later]);
  },
});

/** The stages that make the first anchor. */
function first(run: Parameters<typeof generation>[0], how: Knobs['firstAnchor']): readonly Omit<Stage, 'index'>[] {
  const name = 'generation-0';
  const student = (objective: Parameters<typeof fresh>[3]) => fresh('student', 'student', studentOf(run), objective);
  switch (how) {
    case 'online':
      return [generation(run, 0, false)];
    case 'labels':
      return [stage(run, name, [student([labels()])], { promotes: true, generation: 0 })];
    case 'kd': {
      const { stages, teacher } = frozenTeacher(run);
      const objective = hinted('teacher', z.strictObject(hintKnobs).parse({}));
      const rest = { frozen: [teacher], promotes: true, generation: 0 };
      return [...stages, stage(run, name, [student(objective)], rest)];
    }
  }
}
