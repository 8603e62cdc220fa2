import type { TermSpec } from '../../spec/role-spec.js';
import { hint, labels } from '../parts.js';

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
