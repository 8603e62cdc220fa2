import { Role } from '@trikd/protocol/gen/browser/trikd/v1/common';
import { RunPhase } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { StepPhaseKind } from '@trikd/protocol/gen/browser/trikd/v1/timing';

/** The roles that train. */
export type TrainedRole = 'teacher' | 'student';

/** 'ROLE_TEACHER' is 'teacher'. */
export function roleName(role: Role): 'anchor' | TrainedRole | 'unknown' {
  if (role === Role.ROLE_ANCHOR) return 'anchor';
  if (role === Role.ROLE_TEACHER) return 'teacher';
  return role === Role.ROLE_STUDENT ? 'student' : 'unknown';
}

export function trainedRole(role: Role): TrainedRole | undefined {
  const name = roleName(role);
  return name === 'teacher' || name === 'student' ? name : undefined;
}

/** 'RUN_PHASE_TRAINING' is 'training'. */
export function phaseName(phase: RunPhase): string {
  const known = phase !== RunPhase.RUN_PHASE_UNSPECIFIED && phase !== RunPhase.UNRECOGNIZED;
  return known ? phase.slice('RUN_PHASE_'.length).toLowerCase() : 'unknown';
}

/** Whether nothing more happens in a run unless somebody asks for it. */
export function hasEnded(phase: RunPhase): boolean {
  return ENDS.includes(phase);
}

const ENDS: readonly RunPhase[] = [
  RunPhase.RUN_PHASE_COMPLETED,
  RunPhase.RUN_PHASE_FAILED,
  RunPhase.RUN_PHASE_CANCELLED,
];

/** What a phase of a step is called: a wait has the name of the model waited for. */
export function stepPhaseName(kind: StepPhaseKind, peer: Role): string {
  switch (kind) {
    case StepPhaseKind.STEP_PHASE_KIND_DATA:
      return 'data';
    case StepPhaseKind.STEP_PHASE_KIND_FORWARD:
      return 'forward';
    case StepPhaseKind.STEP_PHASE_KIND_WAIT:
      return `wait for ${roleName(peer)}`;
    case StepPhaseKind.STEP_PHASE_KIND_PUBLISH:
      return 'publish';
    case StepPhaseKind.STEP_PHASE_KIND_BACKWARD:
      return 'backward';
    case StepPhaseKind.STEP_PHASE_KIND_UNSPECIFIED:
    case StepPhaseKind.UNRECOGNIZED:
      return 'unknown';
  }
}

/** From here on a loss is written as a power of ten. */
const LARGE = 1e6;

/** 2.30261 with 3 decimals is '2.303'; 13635006312654831616 is '1.4e19'. */
export function lossText(value: number, decimals: number): string {
  if (Math.abs(value) < LARGE || !Number.isFinite(value)) return value.toFixed(decimals);
  return value.toExponential(1).replace('e+', 'e');
}

/** 0.4567 is '45.67 %'. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
