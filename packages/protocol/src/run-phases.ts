import type { RunState } from '@trikd/core/run/state';
import { RunPhase, type WatchRunResponse } from './gen/node/trikd/v1/run.js';

/** The phases of a run and their values in the protocol. */
export const RUN_PHASES = {
  queued: RunPhase.RUN_PHASE_QUEUED,
  preparing: RunPhase.RUN_PHASE_PREPARING,
  training: RunPhase.RUN_PHASE_TRAINING,
  promoting: RunPhase.RUN_PHASE_PROMOTING,
  waiting: RunPhase.RUN_PHASE_WAITING,
  paused: RunPhase.RUN_PHASE_PAUSED,
  completed: RunPhase.RUN_PHASE_COMPLETED,
  failed: RunPhase.RUN_PHASE_FAILED,
  cancelled: RunPhase.RUN_PHASE_CANCELLED,
} as const satisfies Readonly<Record<RunState['phase'], RunPhase>>;

/** The phase of a protocol value; undefined for an unknown one. */
export function runPhaseOf(phase: RunPhase): RunState['phase'] | undefined {
  for (const [name, known] of Object.entries(RUN_PHASES)) if (known === phase && isName(name)) return name;
  return undefined;
}

function isName(name: string): name is RunState['phase'] {
  return Object.hasOwn(RUN_PHASES, name);
}

const FINAL: ReadonlySet<RunPhase> = new Set([RUN_PHASES.completed, RUN_PHASES.failed, RUN_PHASES.cancelled]);

/** Whether a run in this phase has ended. */
export function isFinal(phase: RunPhase): boolean {
  return FINAL.has(phase);
}

/** The phase that a run is in according to an event; undefined for an event that does not name it. */
export function phaseIn(event: WatchRunResponse['event']): RunPhase | undefined {
  return event?.$case === 'run' || event?.$case === 'phaseChanged' ? event.value.phase : undefined;
}
