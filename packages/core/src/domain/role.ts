/** The three models of a generation. */
export type Role = 'anchor' | 'teacher' | 'student';

/** The two roles that learn. */
export type TrainedRole = 'teacher' | 'student';

/** The other trained model, seen from one of the two. */
export function peerOf(role: TrainedRole): TrainedRole {
  return role === 'teacher' ? 'student' : 'teacher';
}

/** The models a trainer hears, as its objective names them. */
export type FrameSource = 'anchor' | 'peer';
