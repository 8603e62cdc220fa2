import type { TrainedRole } from '../domain/role.js';
import { learnerIn, replicasOf } from './stage.js';
import { type StagedRun, stagesOf } from './stages-of.js';

/** The most replicas of a learner in each slot, the one in its trainer included; 1 in a slot that no stage uses. */
export function mostReplicas(spec: StagedRun): Readonly<Record<TrainedRole, number>> {
  const of = (slot: TrainedRole) =>
    Math.max(
      1,
      ...stagesOf(spec)
        .flatMap((stage) => learnerIn(stage, slot) ?? [])
        .map(replicasOf),
    );
  return { student: of('student'), teacher: of('teacher') };
}
