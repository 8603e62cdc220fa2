import type { Role } from '../domain/role.js';

/** The parts of a step. A wait is for the logits of another model, `publish` for room in the window of own frames. */
export type PhaseKind = 'data' | 'forward' | 'wait' | 'publish' | 'backward';

/** A part of a step, in milliseconds. */
export interface StepPhase {
  readonly kind: PhaseKind;
  /** Whom a wait was for. */
  readonly peer?: Role;
  /** From the beginning of the step. */
  readonly offset: number;
  readonly duration: number;
}

/**
 * How one role spent its time in one step, in milliseconds. Phases that follow each other fill the step without a gap; only the data
 * of a trainer's next step lie inside another phase.
 */
export interface RoleStep {
  readonly role: Role;
  readonly step: number;
  /** Since 1970, with fractions, by the clock of the process. */
  readonly started: number;
  readonly duration: number;
  /** In the order of their beginning. */
  readonly phases: readonly StepPhase[];
}
