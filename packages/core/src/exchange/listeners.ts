import { peerOf, type Role, type TrainedRole } from '../position.js';
import type { RunSpec } from '../spec.js';
import type { FrameSource } from '../training/ports.js';

/** The models that a role's objective hears in a generation. Terms that ask the anchor rest in generation 0. */
export function heard(spec: RunSpec, role: TrainedRole, generation: number): readonly FrameSource[] {
  const asked = new Set(spec[role].objective.map((term) => (term.kind === 'distillation' ? term.from : undefined)));
  return (['anchor', 'peer'] as const).filter((source) => asked.has(source) && (source !== 'anchor' || generation > 0));
}

/** The roles that hear `producer` in a generation: those a window must wait for. */
export function listeners(spec: RunSpec, producer: Role, generation: number): readonly TrainedRole[] {
  return (['teacher', 'student'] as const).filter((role) =>
    heard(spec, role, generation).some((source) => (source === 'anchor' ? 'anchor' : peerOf(role)) === producer),
  );
}
