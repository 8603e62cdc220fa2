/** Names that people read, from the names of enums in JSON. */

/** 'ROLE_TEACHER' is 'teacher'. */
export function roleName(role: string): 'anchor' | 'teacher' | 'student' | 'unknown' {
  if (role === 'ROLE_ANCHOR') return 'anchor';
  if (role === 'ROLE_TEACHER') return 'teacher';
  return role === 'ROLE_STUDENT' ? 'student' : 'unknown';
}

export { isGeneration, stageText } from '@trikd/core/stages/stage-text';

/** 'RUN_PHASE_TRAINING' is 'training'. */
export function phaseName(phase: string): string {
  const known = phase.startsWith('RUN_PHASE_') && phase !== 'RUN_PHASE_UNSPECIFIED';
  return known ? phase.slice('RUN_PHASE_'.length).toLowerCase() : 'unknown';
}

/** Whether a run in this phase has ended: it goes on only if it is resumed. */
export function hasEnded(phase: string): boolean {
  return ['RUN_PHASE_COMPLETED', 'RUN_PHASE_FAILED', 'RUN_PHASE_CANCELLED'].includes(phase);
}

/** The name of a part of a step: `forward`, `wait for teacher`. */
export function stepPhaseName(kind: string, peer: string): string {
  if (kind === 'STEP_PHASE_KIND_WAIT') return `wait for ${roleName(peer)}`;
  const known = kind.startsWith('STEP_PHASE_KIND_') && kind !== 'STEP_PHASE_KIND_UNSPECIFIED';
  return known ? kind.slice('STEP_PHASE_KIND_'.length).toLowerCase() : 'unknown';
}

/** From here on a loss is written as a power of ten. */
const LARGE = 1e6;

/** 2.30261 with 3 decimals is '2.303'; 13635006312654831616 is '1.4e19'. */
export function lossText(value: number, decimals: number): string {
  if (Math.abs(value) < LARGE || !Number.isFinite(value)) return value.toFixed(decimals);
  return value.toExponential(1).replace('e+', 'e');
}

/** 0.4567 is '45.67 %'. */
export function percent(share: number, digits = 2): string {
  return `${(100 * share).toFixed(digits)} %`;
}
