import { z } from 'zod';
import type { FailureKind } from '../domain/errors.js';
import type { AttemptNumerics } from '../domain/numerics.js';
import type { Role, TrainedRole } from '../domain/position.js';
import type { Score } from '../domain/role-checkpoint.js';
import type { SlowStep } from '../timing/slow-steps.js';
import type { StepTimes } from '../timing/step-times.js';
import type { StallCause, TrainerProgress } from '../training/ports.js';
import type { Placement } from './placement.js';
import type { QueueWait } from './queue.js';
import {
  type AnchorMove,
  type FrozenScores,
  hasEnded,
  holdsTrio,
  type RunState,
  type StageResult,
  Time,
} from './state.js';

/** Something that holds a run up; the run goes on by itself when the wait is over. */
export interface Stall {
  readonly by: 'orchestrator' | TrainedRole;
  readonly on: StallCause;
  /** One sentence. */
  readonly reason: string;
}

/** One thing that is true of a run or is not, as Kubernetes has conditions. */
export interface Condition {
  readonly type: PhaseCondition | 'Stalled';
  readonly holds: boolean | 'unknown';
  /** One word for programs. */
  readonly reason: string;
  /** One sentence. */
  readonly message: string;
  /** When it began or ceased to hold, as ISO 8601; absent when it is not known. */
  readonly since?: string;
}

/** A stage by the names of its participants. */
export interface StageNames {
  readonly name: string;
  readonly learners: readonly string[];
  readonly frozen: readonly string[];
  /** The learner whose validations decide. */
  readonly decisive: string;
}

/** How far a run is in its curriculum. */
export interface RunProgress {
  readonly stepsDone: number;
  /** At most; 0 before the length of a stage is known. */
  readonly stepsTotal: number;
  /** 0..100 */
  readonly percent: number;
  /** 0 while nothing is trained. */
  readonly stepsPerSecond: number;
  /** Absent while nothing is trained. */
  readonly secondsRemaining?: number;
}

/** The run entered a phase, began another attempt, or its anchor changed while it rests. The last event of a run that ends. */
export interface PhaseChanged {
  readonly kind: 'phase-changed';
  readonly phase: RunState['phase'];
  readonly stage: number;
  /** The current stage, or the last one, by the names of its participants. */
  readonly currentStage: StageNames;
  readonly attempt: number;
  /** Why the run failed. */
  readonly failure?: { readonly kind: FailureKind; readonly message: string };
  /** The stage whose student is the best so far; absent until one has ended. */
  readonly bestStage?: number;
  /** The anchor of the present generation; its scores once it is loaded. */
  readonly anchor?: { readonly stage: number; readonly scores?: FrozenScores };
  /** All of them, each type once. */
  readonly conditions: readonly Condition[];
  readonly progress: RunProgress;
  /** When the state was stored, as ISO 8601. */
  readonly updated?: string;
  /** When the run ended; absent until then. */
  readonly ended?: string;
  readonly placement: Placement;
  /** Its place in the queue; absent for a run that is not queued or is being placed, or where that is not known. */
  readonly waiting?: Pick<QueueWait, 'position' | 'length'>;
  /** What the models of the attempt compute with, while it trains; absent where they do not report it. */
  readonly numerics?: AttemptNumerics;
}

/** A stage ended. */
export interface StageEnded {
  readonly kind: 'stage-ended';
  /** Its name. */
  readonly stageName: string;
  readonly result: StageResult;
}

/** Another student is the anchor. */
export interface AnchorMoved {
  readonly kind: 'anchor-moved';
  readonly move: AnchorMove;
}

/** The run began to wait, waits for something else, or goes on. */
export interface StallsChanged {
  readonly kind: 'stalls-changed';
  /** All that hold the run up now. */
  readonly stalls: readonly Stall[];
  /** The condition `Stalled`. */
  readonly condition: Condition;
}

/** A learner trained. */
export interface RoleProgressed {
  readonly kind: 'progress';
  /** Its name in the stage. */
  readonly participant: string;
  readonly stage: number;
  /** Of a whole stage. */
  readonly totalSteps: number;
  readonly progress: TrainerProgress;
}

/** A learner was validated. */
export interface RoleEvaluated {
  readonly kind: 'evaluation';
  /** Its name in the stage. */
  readonly participant: string;
  readonly stage: number;
  readonly step: number;
  readonly validation: Score;
}

/** The steps of which attempt. */
interface OfAttempt {
  readonly stage: number;
  readonly attempt: number;
}

/** One thing that happened in a run. Each is bounded, however long the run: what came before is in earlier events. */
export type RunEvent =
  | PhaseChanged
  | StageEnded
  | AnchorMoved
  | StallsChanged
  | RoleProgressed
  | RoleEvaluated
  /** Training goes on, but needs attention. */
  | {
      readonly kind: 'alarm';
      /** Its name in the stage. */
      readonly participant: string;
      readonly stage: number;
      readonly step: number;
      readonly message: string;
    }
  /** Something happened to a process of the trio that its run notices only as a lost connection. */
  | {
      readonly kind: 'trio-incident';
      readonly role: Role;
      readonly stage: number;
      /** One word for programs, such as `OOMKilled`. */
      readonly reason: string;
      /** One sentence, which names the trio. */
      readonly message: string;
    }
  /** The checkpoints of both trainers at one step are stored, with their manifest. */
  | {
      readonly kind: 'pair-committed';
      readonly stage: number;
      readonly step: number;
      readonly manifestKey: string;
    }
  /** The run rests at a step, for another orchestrator to continue. */
  | { readonly kind: 'drained'; readonly stage: number; readonly step: number }
  /** Where the time of some steps went. */
  | ({ readonly kind: 'step-times' } & OfAttempt & StepTimes)
  /** One step took much longer than its neighbours; its trace has 32 hex digits. */
  | ({ readonly kind: 'slow-step'; readonly traceId: string } & OfAttempt & SlowStep);

/** Conditions that depend on the phase alone, each with the phase in which it holds. */
export const PHASE_CONDITIONS = {
  Queued: 'queued',
  Training: 'training',
  Waiting: 'waiting',
  Paused: 'paused',
  Completed: 'completed',
  Failed: 'failed',
  Cancelled: 'cancelled',
} as const satisfies Readonly<Record<string, RunState['phase']>>;
export type PhaseCondition = keyof typeof PHASE_CONDITIONS;

const names = z.enum(['Queued', 'Training', 'Waiting', 'Paused', 'Completed', 'Failed', 'Cancelled']);

/** Times in the life of a run. An absent time was not recorded. */
export const RunTimes = z
  .strictObject({
    created: Time.exactOptional(),
    started: Time.exactOptional().describe('when the run first got a trio'),
    updated: Time.exactOptional().describe('last write of the state'),
    ended: Time.exactOptional().describe('absent until the run has ended'),
    changed: z.partialRecord(names, Time).readonly().describe('last time that a condition began or ceased to hold'),
  })
  .readonly();
export type RunTimes = z.infer<typeof RunTimes>;

/** Times of a new run. */
export function timesOfNew(at: string | undefined): RunTimes {
  return { changed: {}, ...(at !== undefined && { created: at, updated: at }) };
}

/** Times of a run after its state is replaced. */
export function timesAfter(times: RunTimes, before: RunState, after: RunState, at: string | undefined): RunTimes {
  const { ended = at, ...rest } = times;
  const over = hasEnded(after) && ended !== undefined ? { ended } : {};
  if (at === undefined) return { ...rest, ...over };
  const begins = holdsTrio(after) && before.phase === 'queued' && before.stage === 0 && before.pairs.length === 0;
  const started = times.started ?? (begins ? at : undefined);
  const changed = { ...times.changed };
  for (const name of names.options) {
    const phase = PHASE_CONDITIONS[name];
    if ((before.phase === phase) !== (after.phase === phase)) changed[name] = at;
  }
  return { ...rest, ...over, ...(started !== undefined && { started }), updated: at, changed };
}
