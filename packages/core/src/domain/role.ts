/** The three models of a generation. */
export const ROLES = ['teacher', 'student', 'anchor'] as const;
export type Role = (typeof ROLES)[number];

/** The two roles that train. */
export type TrainedRole = 'teacher' | 'student';

/** The other trained role, seen from one of the two. */
export function peerOf(role: TrainedRole): TrainedRole {
  return role === 'teacher' ? 'student' : 'teacher';
}
