import { TrikdError } from '@trikd/core/domain/errors';
import type { StageAttempt, TrainedRole } from '@trikd/core/domain/position';
import type { RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import type { RunTransition } from '@trikd/core/run/advance';
import { nextLimit } from '@trikd/core/run/convergence';
import type { RunEvent, Stall } from '@trikd/core/run/run-event';
import type { LearnerOutcome, Outcome, PairRef, Training } from '@trikd/core/run/state';
import { learnerOf, type Stage } from '@trikd/core/stages/stage';
import type { Metric } from '@trikd/core/tasks/metric';
import type { TrainerEvent } from '@trikd/core/training/ports';
import type { TrainerLink } from '../ports.js';
import { type Pair, type StageProgress, stageProgress } from './stage-progress.js';
import type { TrainingInput } from './training-input.js';

export interface TrainingLoopPorts {
  readonly stage: Stage;
  /** The metric that decides. */
  readonly primary: Metric;
  /** Of the learners of the stage. */
  readonly trainers: readonly TrainerLink[];
  readonly input: AsyncIterable<TrainingInput>;
  /** Writes the manifest of a pair: from then on it exists. */
  commit(pair: Pair): Promise<PairRef>;
  emit(event: RunEvent): void;
  /** Gets a trainer that is shutting down. The run is told to drain then. */
  leaves(role: TrainedRole): void;
  /** Gets what a process waits for, and why; without a reason, the wait is over. */
  waits(by: Stall['by'], on: Stall['on'], reason: string | undefined): void;
}

/**
 * Trains the stage of `todo` from its last pair on. Yields each committed pair, and in the end what the stage came to; ends
 * without the latter when the run is drained.
 */
export async function* trainingLoop(
  todo: Training,
  attempt: StageAttempt,
  ports: TrainingLoopPorts,
): AsyncGenerator<RunTransition> {
  const { stage, trainers } = ports;
  const { facts, stage: stageIndex } = todo;
  const progress = stageProgress(todo, stage, ports.primary);
  const moveLimit = async (step: number) => {
    await Promise.all(trainers.map((trainer) => trainer.setLimit(attempt, step)));
    return step;
  };
  // Emitted after the state is saved: a pair that watchers know of is the one that a killed run resumes from.
  const commit = async function* (
    pair: Pair,
    transition: (ref: PairRef) => RunTransition,
  ): AsyncGenerator<RunTransition> {
    const ref = await ports.commit(pair);
    yield transition(ref);
    const { step, manifestKey } = ref;
    ports.emit({ kind: 'pair-committed', stage: stageIndex, step, manifestKey });
  };
  const committed = (ref: PairRef): RunTransition => ({
    kind: 'pair-committed',
    pair: ref,
    validations: progress.commit(ref.step),
  });

  let draining = false;
  let limit = await moveLimit(nextLimit(progress.committed(), facts, stage));
  for await (const input of ports.input) {
    switch (input.kind) {
      case 'drain-overdue':
        return;
      case 'drain':
        draining = true;
        limit = await stopTogether(trainers, attempt, limit);
        continue;
      case 'save':
        if (!draining) await saveTogether(trainers, attempt, limit).catch(ignoreUnreached);
        continue;
      case 'trainer-lost':
        ports.waits('orchestrator', input.role, input.reason);
        continue;
      case 'trainer-back':
        ports.waits('orchestrator', input.role, undefined);
        continue;
      case 'trainer-event':
        break;
    }
    const { role, event } = input;
    if (event.kind === 'leaving') {
      ports.leaves(role);
      continue;
    }
    const { name } = learnerOf(stage, role);
    note(progress, name, event);
    pass(ports, todo, { role, name }, event);
    if (event.kind === 'checkpoint' && event.checkpoint.step < limit) {
      const pair = progress.pairAt(event.checkpoint.step);
      if (pair) yield* commit(pair, committed);
    }
    if (event.kind !== 'resting' || !progress.allStoppedAt(limit)) continue;
    const pair = progress.pairAt(limit);
    if (!pair) throw new TrikdError('wrong-state', `all trainers stopped at step ${limit} without its checkpoint`);
    if (limit === facts.totalSteps || progress.converged()) {
      yield* commit(pair, (ref) => ({ kind: 'stage-trained', outcome: outcomeOf(pair, ref) }));
      return;
    }
    yield* commit(pair, committed);
    if (draining) return;
    limit = await moveLimit(nextLimit(limit, facts, stage));
  }
}

/** A trainer that cannot be reached, or is too fast, saves at the next request; if it is lost, its event stream says so. */
function ignoreUnreached(error: unknown): void {
  if (!(error instanceof TrikdError)) throw error;
}

function note(progress: StageProgress, name: string, event: TrainerEvent): void {
  if (event.kind === 'evaluation') progress.validated(name, event.step, event.validation);
  if (event.kind === 'checkpoint') progress.checkpointed(name, event.checkpoint);
  if (event.kind === 'resting') progress.stopped(name, event.nextStep);
}

/** Emits the event of the run that an event of a trainer is. */
function pass(
  { emit, waits }: TrainingLoopPorts,
  { stage, facts }: Training,
  { role, name: participant }: { readonly role: TrainedRole; readonly name: string },
  event: TrainerEvent,
): void {
  switch (event.kind) {
    case 'progress':
      emit({ kind: 'progress', participant, stage, totalSteps: facts.totalSteps, progress: event.progress });
      break;
    case 'evaluation':
      emit({ kind: 'evaluation', participant, stage, step: event.step, validation: event.validation });
      break;
    case 'alarm':
      emit({ kind: 'alarm', participant, stage, step: event.step, message: event.message });
      break;
    case 'stalled':
      waits(role, event.on, event.reason);
      break;
    case 'went-on':
      waits(role, event.on, undefined);
      break;
    case 'checkpoint':
    case 'resting':
    case 'leaving':
    // A link throws what an attempt failed with.
    case 'failure':
      break;
  }
}

function outcomeOf({ learners }: Pair, ref: PairRef): Outcome {
  const outcomes = Object.entries(learners).map(([name, checkpoint]) => [name, learnerOutcome(name, checkpoint)]);
  return { steps: ref.step, pair: ref, learners: Object.fromEntries(outcomes) };
}

function learnerOutcome(name: string, { best, step, state }: RoleCheckpoint): LearnerOutcome {
  if (best) return { best, stateSha256: state.sha256 };
  throw new TrikdError('invalid', `the ${name} was not validated in the ${step} steps of its stage`);
}

/** How often a step that came too late for one trainer is replaced by a later one. */
const TRIES = 5;
/** Steps between the present step of the foremost trainer and the one that is requested; grows with each try. */
const MARGIN = 2;

/** Stops trainers soon, all before the same step, and at the latest at their limit, where something is decided. Returns that step. */
export function stopTogether(trainers: readonly TrainerLink[], attempt: StageAttempt, limit: number): Promise<number> {
  return atCommonStep(trainers, limit, (trainer, step) => trainer.setLimit(attempt, step));
}

/** Makes trainers save soon, all at the same step, while they train on. Returns that step: at their limit they save anyway. */
export function saveTogether(trainers: readonly TrainerLink[], attempt: StageAttempt, limit: number): Promise<number> {
  return atCommonStep(trainers, limit, (trainer, step) => trainer.saveAt(attempt, step));
}

/**
 * Requests something of trainers at one step that none of them has begun; when one of them was faster, at a later one. Requests nothing
 * from `limit` on. Returns the step that all of them have accepted, or `limit`.
 * @param request throws TrikdError `wrong-state` when the trainer may have begun the step
 * @throws another error of a trainer; `wrong-state` when the trainers stay faster
 */
async function atCommonStep(
  trainers: readonly TrainerLink[],
  limit: number,
  request: (trainer: TrainerLink, step: number) => Promise<void>,
): Promise<number> {
  for (let tries = 1; ; tries++) {
    const next = await Promise.all(trainers.map((trainer) => trainer.nextStep()));
    const step = Math.max(...next) + MARGIN * tries;
    if (step >= limit) return limit;
    const responses = await Promise.allSettled(trainers.map((trainer) => request(trainer, step)));
    const refusals = responses.flatMap((response): unknown[] =>
      response.status === 'rejected' ? [response.reason] : [],
    );
    if (refusals.length === 0) return step;
    const late = refusals.every((refusal) => refusal instanceof TrikdError && refusal.kind === 'wrong-state');
    if (!late || tries === TRIES) throw refusals[0];
  }
}
