import { createHmac } from 'node:crypto';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { StageAttempt, TrainedRole } from '@trikd/core/domain/position';
import type { Duty, RunRules } from '@trikd/core/run/advance';
import type { RunEvent, Stall } from '@trikd/core/run/run-event';
import { type Preparing, resumePair, type Training } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { StepTracing } from '@trikd/core/timing/trace-ids';

/** What the duties of a run share while this orchestrator drives it. */
export interface DutyScope {
  readonly spec: RunSpec;
  readonly rules: RunRules;
  /** Of the leader that drives the run. */
  readonly term: number;
  /** Operations are retried while it is away. */
  readonly store: ObjectStore;
  readonly tracing: StepTracing;
  readonly secretOf: ExchangeSecrets;
  /** Aborts when the run is to pause. */
  readonly drained: AbortSignal;
  /** Aborts when another orchestrator drives the run. */
  readonly abandoned: AbortSignal;
  /** Resolves when the trio can be reached, or when the signal aborts. */
  reachable(signal: AbortSignal): Promise<void>;
  /** Whether a service of the trio that is gone is started again: an attempt that loses one ends, and the next waits for it. */
  readonly restores: boolean;
  /** A trainer is shutting down and does not come back: the run has to leave its trio. */
  leaves(role: TrainedRole): void;
  emit(event: RunEvent): void;
  /** Gets what a process waits for, and why; without a reason, the wait is over. */
  waits(by: Stall['by'], on: Stall['on'], reason: string | undefined): void;
}

/** The attempt that a duty belongs to. */
export function attemptOf(spec: RunSpec, { stage, attempt }: Duty): StageAttempt {
  return { runId: spec.name, stage, attempt };
}

/**
 * Rethrows what reading a checkpoint failed of. When the pair that the attempt resumed from is damaged, the details name its step as
 * `pair`: the run then resumes from the pair before.
 */
export function blamePair(todo: Preparing | Training): (failure: unknown) => never {
  return (failure) => {
    const pair = resumePair(todo)?.step;
    if (pair === undefined || !(failure instanceof TrikdError) || failure.kind !== 'corrupt') throw failure;
    throw new TrikdError('corrupt', failure.message, { ...failure.details, pair }, { cause: failure });
  };
}

/** The secret of each attempt, by which its models recognise each other: 64 hex digits. */
type ExchangeSecrets = (attempt: StageAttempt) => string;

/**
 * The secrets of one drive of a run. They are stored nowhere: whoever drives the run next starts another attempt. The same attempt always
 * gets the same secret, so that it can be assigned again.
 * @param key random, of this drive alone
 */
export function exchangeSecrets(key: Uint8Array): ExchangeSecrets {
  return ({ runId, stage, attempt }) => createHmac('sha256', key).update(`${runId} ${stage} ${attempt}`).digest('hex');
}
