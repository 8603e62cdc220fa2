/** The three models of a generation. */
export type Role = 'anchor' | 'teacher' | 'student';

/** The two roles that train. */
export type TrainedRole = 'teacher' | 'student';

/** The other trained role, seen from one of the two. */
export function peerOf(role: TrainedRole): TrainedRole {
  return role === 'teacher' ? 'student' : 'teacher';
}

/** The models whose frames a trainer receives, as its objective names them. */
export type FrameSource = 'anchor' | 'peer';
