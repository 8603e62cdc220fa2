import type { Role } from '../domain/role.js';

/**
 * The phases of a step. `wait` is for the logits of another model, `publish` for room in the window of the model's own
 * frames.
 */
export type PhaseKind = 'data' | 'forward' | 'wait' | 'publish' | 'backward';

/** One phase of a step, in milliseconds. */
export interface StepPhase {
  readonly kind: PhaseKind;
  /** The model that a wait was for. */
  readonly peer?: Role;
  /** From the start of the step. */
  readonly offset: number;
  readonly duration: number;
}

/**
 * How one role spent its time in one step, in milliseconds. Consecutive phases fill the step without gaps; only the
 * data of a trainer's next step overlap another phase.
 */
export interface RoleStep {
  readonly role: Role;
  readonly step: number;
  /** Milliseconds since 1970, with fractions, by the clock of the process. */
  readonly started: number;
  readonly duration: number;
  /** In order of their start. */
  readonly phases: readonly StepPhase[];
}
