import { z } from 'zod';
import type { TermSpec } from '../spec/role-spec.js';
import type { RunSettings } from '../spec/run-settings.js';
import type { Frozen, Stage } from '../stages/stage.js';
import { method } from './method.js';
import {
  fresh,
  frozenTeacher,
  hint,
  hinted,
  hintKnobs,
  inOrder,
  labels,
  stage,
  studentOf,
  teacherOf,
} from './parts.js';

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

/** The frozen student of an earlier generation. */
export const ANCHOR = 'anchor';

/** Which learners the anchor teaches. */
export type Taught = 'both' | 'student' | 'teacher';

const PEERS = { student: 'teacher', teacher: 'student' } as const;
const EQUAL = { weight: 1, temperature: 4 };

/** One generation of TriKD: student and teacher from fresh params, beside the anchor if there is one. */
function generation(
  run: RunSettings,
  number: number,
  anchored: boolean,
  taught: Taught = 'both',
): Omit<Stage, 'index'> {
  const anchor: Frozen = { name: ANCHOR, model: studentOf(run).model, from: 'promoted' };
  const learner = (role: 'student' | 'teacher') => {
    const hears = anchored && (taught === 'both' || taught === role);
    const objective = objectiveOf(run, role).filter((term) => hears || !asksAnchor(term));
    return fresh(role, role, role === 'student' ? studentOf(run) : teacherOf(run), objective);
  };
  return stage(run, `generation-${number}`, [learner('student'), learner('teacher')], {
    frozen: anchored ? [anchor] : [],
    promotes: true,
    generation: number,
  });
}

/** The terms of a role with the other one by name: labels, the other learner and the anchor, where the spec lists none. */
function objectiveOf(run: RunSettings, role: 'student' | 'teacher'): readonly TermSpec[] {
  const peer = PEERS[role];
  const terms = run[role]?.objective ?? [labels(), hint(ANCHOR, EQUAL), hint(peer, EQUAL)];
  return terms.map((term) => (term.kind === 'distillation' && term.from === 'peer' ? { ...term, from: peer } : term));
}

export function asksAnchor(term: TermSpec): boolean {
  return term.kind === 'distillation' && term.from === ANCHOR;
}

/**
 * Objectives of a run that states none. The weights and the temperature are those of the best of 27 points that
 * `trikd tune examples/studies/tune-trikd.yaml` tried on MNIST; docs/algorithm.md says what the search showed.
 */
export const SEARCHED: Readonly<Record<'student' | 'teacher', readonly TermSpec[]>> = {
  student: objective(0.48, 0.24),
  teacher: objective(0.014, 0.13),
};

function objective(anchor: number, peer: number): readonly TermSpec[] {
  const temperature = 2;
  return [labels(), hint('anchor', { weight: anchor, temperature }), hint('peer', { weight: peer, temperature })];
}
