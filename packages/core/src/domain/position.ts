/** The three models of a generation. */
export type Role = 'anchor' | 'teacher' | 'student';

/** The two roles that learn. */
export type TrainedRole = 'teacher' | 'student';

/** The other trained model, seen from one of the two. */
export function peerOf(role: TrainedRole): TrainedRole {
  return role === 'teacher' ? 'student' : 'teacher';
}

/** Names one start of one generation of a run. A higher attempt fences out every process of a lower one. */
export interface GenerationAttempt {
  readonly runId: string;
  readonly generation: number;
  readonly attempt: number;
}

/** Names one step of a run. Steps count from 0 in each generation. */
export interface Position extends GenerationAttempt {
  readonly step: number;
}
