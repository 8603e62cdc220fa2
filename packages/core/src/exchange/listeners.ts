import { peerOf, type Role, type TrainedRole } from '../domain/role.js';
import { activeTerms, sourcesOf } from '../losses/objective.js';
import type { RunSpec } from '../spec/run-spec.js';

/** The roles whose objective hears `producer` in a generation: those its window must wait for. */
export function listeners(spec: RunSpec, producer: Role, generation: number): readonly TrainedRole[] {
  return (['teacher', 'student'] as const).filter((role) =>
    sourcesOf(activeTerms(spec, role, generation)).some(
      (source) => (source === 'anchor' ? 'anchor' : peerOf(role)) === producer,
    ),
  );
}
