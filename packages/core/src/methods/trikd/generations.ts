import type { TermSpec } from '../../spec/role-spec.js';
import type { RunSettings } from '../../spec/run-settings.js';
import type { Frozen, Stage } from '../../stages/stage.js';
import { fresh, hint, labels, stage, studentOf, teacherOf } from '../parts.js';

/** The frozen student of an earlier generation. */
export const ANCHOR = 'anchor';

/** Which learners the anchor teaches. */
export type Taught = 'both' | 'student' | 'teacher';

const PEERS = { student: 'teacher', teacher: 'student' } as const;
const EQUAL = { weight: 1, temperature: 4 };

/** One generation of TriKD: student and teacher from fresh params, beside the anchor if there is one. */
export function generation(
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
