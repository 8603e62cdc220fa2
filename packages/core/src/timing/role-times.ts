import type { Role } from '../domain/role.js';
import type { ProcessUsage } from './process-usage.js';
import type { PhaseKind } from './role-step.js';
import type { Spread } from './spread.js';

/** Time spent in one phase. */
export interface PhaseTimes {
  readonly kind: PhaseKind;
  /** The model that a wait was for. */
  readonly peer?: Role;
  readonly times: Spread;
  /** Share of the role's total time, 0..1. */
  readonly share: number;
}

/** Time spent by one role. */
export interface RoleTimes {
  readonly role: Role;
  /** From the start of a step to its end. */
  readonly step: Spread;
  /**
   * From the end of a step to the start of the next: progress events, validation, checkpoints, waiting at the limit.
   */
  readonly between: Spread;
  /** Share of the role's total time, 0..1. */
  readonly betweenShare: number;
  /** In the order in which they occur in a step. */
  readonly phases: readonly PhaseTimes[];
  /** What its process had used by the end of these steps; absent if it is not reported. */
  readonly usage?: ProcessUsage;
}
