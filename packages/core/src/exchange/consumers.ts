import { peerOf, type Role, type TrainedRole } from '../domain/role.js';
import { activeTerms, sourcesOf } from '../losses/objective.js';
import type { RunSpec } from '../spec/run-spec.js';

/** The roles whose objective uses the logits of `producer` in a generation: the consumers of its window. */
export function consumersOf(spec: RunSpec, producer: Role, generation: number): readonly TrainedRole[] {
  return (['teacher', 'student'] as const).filter((role) =>
    sourcesOf(activeTerms(spec, role, generation)).some(
      (source) => (source === 'anchor' ? 'anchor' : peerOf(role)) === producer,
    ),
  );
}
