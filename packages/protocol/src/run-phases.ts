import type { RunState } from '@trikd/core/run/state';
import { RunPhase } from './gen/node/trikd/v1/run.js';

/** The phases of a run, as they go over the wire. */
export const RUN_PHASES = {
  preparing: RunPhase.RUN_PHASE_PREPARING,
  training: RunPhase.RUN_PHASE_TRAINING,
  promoting: RunPhase.RUN_PHASE_PROMOTING,
  waiting: RunPhase.RUN_PHASE_WAITING,
  paused: RunPhase.RUN_PHASE_PAUSED,
  completed: RunPhase.RUN_PHASE_COMPLETED,
  failed: RunPhase.RUN_PHASE_FAILED,
  cancelled: RunPhase.RUN_PHASE_CANCELLED,
} as const satisfies Readonly<Record<RunState['phase'], RunPhase>>;

/** The phase that went over the wire; undefined for one that is none of a run. */
export function runPhaseOf(phase: RunPhase): RunState['phase'] | undefined {
  for (const [name, known] of Object.entries(RUN_PHASES)) if (known === phase && isName(name)) return name;
  return undefined;
}

function isName(name: string): name is RunState['phase'] {
  return Object.hasOwn(RUN_PHASES, name);
}

const FINAL: ReadonlySet<RunPhase> = new Set([RUN_PHASES.completed, RUN_PHASES.failed, RUN_PHASES.cancelled]);

/** Whether a run in this phase goes on no more by itself. */
export function isFinal(phase: RunPhase): boolean {
  return FINAL.has(phase);
}
