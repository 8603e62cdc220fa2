import { isRunBlob } from '../checkpoint/blobs.js';
import { TrikdError } from '../domain/errors.js';
import {
  behind,
  isSameAttempt,
  nameOf,
  type Position,
  precedes,
  type StageAttempt,
  type TrainedRole,
} from '../domain/position.js';
import type { BestParams, Blob, RoleCheckpoint } from '../domain/role-checkpoint.js';
import { isProducerAddress } from '../exchange/producer-address.js';
import type { Params } from '../models/params.js';
import { MOST_REPLICAS } from '../spec/role-spec.js';
import type { RunSpec } from '../spec/run-spec.js';
import { inputsOf } from '../stages/inputs.js';
import type { Stage } from '../stages/stage.js';
import { stagesOf } from '../stages/stages-of.js';
import { isScoreOf } from '../tasks/check-score.js';
import { taskOf } from '../tasks/task-of.js';
import type { StepTracing } from '../timing/trace-ids.js';

/** One stage for one trainer, as the orchestrator assigns it. */
export interface Assignment {
  readonly attempt: StageAttempt;
  /** Of the orchestrator that assigns it. */
  readonly term: number;
  /** Random, of this attempt alone: proves to a producer of frames that a consumer belongs to the same attempt. */
  readonly exchangeSecret: string;
  readonly spec: RunSpec;
  /** Steps below it may be trained. */
  readonly limit: number;
  /** host:port of the participants whose frames the objective needs, by name. */
  readonly sources: Readonly<Record<string, string>>;
  /** host:port of the trainers that compute the learner's further replicas, from rank 1 on; absent: those of the trainer's configuration. */
  readonly replicas?: readonly string[];
  /** Whether a student was promoted before this stage. */
  readonly promoted: boolean;
  /** Params of an earlier stage to start from, where the learner does not start from fresh ones. */
  readonly init?: Blob;
  /** The checkpoint to start from; absent for fresh params at step 0. */
  readonly resume?: RoleCheckpoint;
  readonly tracing?: StepTracing;
}

/** First step to train. */
export function startStepOf({ resume }: Pick<Assignment, 'resume'>): number {
  return resume?.step ?? 0;
}

/** The frozen models of one attempt of a stage, as the orchestrator assigns them. */
export interface FrozenAssignment {
  /** `step` is the first step that trainers will request. */
  readonly start: Position;
  /** Of the orchestrator that assigns it. */
  readonly term: number;
  /** Random, of this attempt alone: proves to a producer of frames that a consumer belongs to the same attempt. */
  readonly exchangeSecret: string;
  readonly spec: RunSpec;
  /** Of each frozen model of the stage, by name. */
  readonly params: Readonly<Record<string, Blob>>;
  readonly tracing?: StepTracing;
}

// What an order names must belong to its run. These checks read nothing: an order cannot find out what else is in the store.

/** @throws TrikdError 'invalid' with the first part that is not of the run */
export function assertAssignment({ attempt, spec, resume, init, sources, replicas = [] }: Assignment): void {
  assertOfRun(attempt, spec);
  if (resume) assertCheckpoint(resume, spec);
  if (init) assertBlob(init, spec, 'the initial params', originsOf(spec, attempt));
  if (replicas.length >= MOST_REPLICAS) {
    const message = `an assignment names ${MOST_REPLICAS - 1} further replicas at most, and this one ${replicas.length}`;
    throw new TrikdError('invalid', message);
  }
  for (const address of [...Object.values(sources), ...replicas]) {
    if (isProducerAddress(address)) continue;
    throw new TrikdError('invalid', 'the addresses of an assignment must be host:port, without a scheme');
  }
}

/** @throws TrikdError 'invalid' with the first part that is not of the run */
export function assertFrozenAssignment({ start, spec, params }: FrozenAssignment): void {
  assertOfRun(start, spec);
  const origins = originsOf(spec, start);
  for (const [name, blob] of Object.entries(params)) assertBlob(blob, spec, `the params of the ${name}`, origins);
}

/** The name of a valid spec has no slash, so the keys that are made of it stay in the folder of the run. */
function assertOfRun({ runId }: StageAttempt, { name }: RunSpec): void {
  if (runId === name) return;
  throw new TrikdError('invalid', `the position is of run ${runId.slice(0, 63)}, the spec of run ${name}`);
}

function assertCheckpoint({ step, state, best }: RoleCheckpoint, spec: RunSpec): void {
  assertBlob(state, spec, 'the state');
  if (!best) return;
  assertBlob(best.params, spec, 'the best params');
  if (best.step > step) {
    throw new TrikdError('invalid', `best params of step ${best.step} cannot be part of a checkpoint of step ${step}`);
  }
  const task = taskOf(spec);
  for (const score of [best.validation, best.test]) {
    if (!score || isScoreOf(task, score)) continue;
    const expected = `${task.primary.name}, finite numbers, and shares from 0 to 1`;
    throw new TrikdError('invalid', `the score of the best params must have ${expected}`);
  }
}

/** The other runs that the spec takes params from in a stage. */
function originsOf(spec: RunSpec, { stage: stageIndex }: StageAttempt): readonly string[] {
  const stage = stagesOf(spec)[stageIndex];
  const refs = stage ? inputsOf(spec, stage).map(({ from }) => from) : [];
  return refs.flatMap((from) => (from !== 'promoted' && from.kind === 'run' ? [from.run] : []));
}

/** @param others runs whose blobs may be named too */
function assertBlob(blob: Blob, { name }: RunSpec, what: string, others: readonly string[] = []): void {
  if ([name, ...others].some((run) => isRunBlob(blob, run))) return;
  throw new TrikdError(
    'invalid',
    `${what} must be a blob that an attempt of run ${[name, ...others].join(' or ')} has stored`,
  );
}

/** What orders a model service to work on an attempt. */
export interface Order {
  readonly attempt: StageAttempt;
  /** Of the orchestrator that gives the order. Leaders of the same store have different terms. */
  readonly term: number;
}

/**
 * How long an order fences out earlier ones after its orchestrator was last heard. Shorter than the pauses between the attempts that an
 * orchestrator makes before a run fails, so that an order that nobody stands behind cannot make a run fail.
 */
export const ORDER_SECONDS = 10;

export function isSameOrder(a: Order, b: Order): boolean {
  return a.term === b.term && isSameAttempt(a.attempt, b.attempt);
}

/**
 * Rejects an order of an orchestrator that was replaced, and one that was overtaken by a later order of the same orchestrator. The term
 * comes first: a later leader may have restored older records of the run.
 * @param active the latest order; undefined when it fences out nothing any more
 * @throws TrikdError 'out-of-step'
 */
export function assertNotFenced(order: Order, active: Order | undefined): void {
  if (!active || order.term > active.term) return;
  if (order.term < active.term) {
    throw new TrikdError(
      'out-of-step',
      `${nameOf(order.attempt)} is ordered in term ${order.term}, another orchestrator leads in term ${active.term}`,
      { asked: order.term, active: active.term },
    );
  }
  if (precedes(order.attempt, active.attempt)) throw behind(order.attempt, active.attempt);
}

/** What the training loop of one stage starts from. */
export interface TrainingStart {
  /** The slot whose learner is trained. */
  readonly role: TrainedRole;
  readonly spec: RunSpec;
  /** As it is run. */
  readonly stage: Stage;
  readonly attempt: StageAttempt;
  /** First step to train. */
  readonly startStep: number;
  /** Params to start from instead of random ones; others among them are ignored. Absent when `resume` is there. */
  readonly init?: Params;
  /** State at `startStep`. Absent at the start of a stage; then `startStep` is 0. */
  readonly resume?: { readonly state: Params; readonly best?: BestParams };
}
