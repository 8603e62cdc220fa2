import { Role } from '@trikd/protocol/gen/node/trikd/v1/common';
import { StepPhaseKind } from '@trikd/protocol/gen/node/trikd/v1/timing';

const NAMES: Readonly<Record<StepPhaseKind, string>> = {
  [StepPhaseKind.STEP_PHASE_KIND_UNSPECIFIED]: 'other',
  [StepPhaseKind.STEP_PHASE_KIND_DATA]: 'data',
  [StepPhaseKind.STEP_PHASE_KIND_FORWARD]: 'forward',
  [StepPhaseKind.STEP_PHASE_KIND_WAIT]: 'wait',
  [StepPhaseKind.STEP_PHASE_KIND_PUBLISH]: 'publish',
  [StepPhaseKind.STEP_PHASE_KIND_BACKWARD]: 'backward',
  [StepPhaseKind.UNRECOGNIZED]: 'other',
};

const PEERS: Readonly<Record<Role, string>> = {
  [Role.ROLE_UNSPECIFIED]: '',
  [Role.ROLE_ANCHOR]: ' for anchor',
  [Role.ROLE_TEACHER]: ' for teacher',
  [Role.ROLE_STUDENT]: ' for student',
  [Role.UNRECOGNIZED]: '',
};

/** Name of a part of a step: `forward`, `wait for teacher`. */
export function phaseNameOf(kind: StepPhaseKind, peer: Role): string {
  return `${NAMES[kind]}${PEERS[peer]}`;
}
