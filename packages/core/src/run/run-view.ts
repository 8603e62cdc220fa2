import type { RunSpec } from '../spec/run-spec.js';
import type { Owner, Placement } from './placement.js';
import type { QueueWait, Wait } from './queue.js';
import type { RoleEvaluated, RoleProgressed, Stall } from './run-event.js';
import type { RunTimes } from './run-times.js';
import type { RunState } from './state.js';

/** A run, with what is known of it here. */
export interface RunView {
  readonly spec: RunSpec;
  readonly state: RunState;
  readonly times: RunTimes;
  readonly owner?: Owner;
  readonly placement: Placement;
  /** What only the orchestrator knows that drives it; absent elsewhere. */
  readonly live?: LiveView;
  /** Its place in the queue, or what its trio waits for while it is not driven, where that is known: at the leader. */
  readonly queued?: QueueWait | Wait;
}

/** What is known of a run that is driven here, and is not stored. */
export interface LiveView {
  readonly stalls: readonly Stall[];
  /** When a stall began or the last one ended, as ISO 8601; absent: there was none. */
  readonly stalledAt?: string;
  /** The newest of each learner in the current stage, by name. */
  readonly progress: Readonly<Record<string, RoleProgressed>>;
  readonly evaluations: Readonly<Record<string, RoleEvaluated>>;
}
