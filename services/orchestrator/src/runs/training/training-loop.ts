import { TrikdError } from '@trikd/core/domain/errors';
import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { BestParams, RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import type { RunTransition } from '@trikd/core/run/advance';
import { nextLimit } from '@trikd/core/run/convergence';
import type { RunEvent, Stall } from '@trikd/core/run/run-event';
import type { Outcome, PairRef, Training } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { TrainerEvent } from '@trikd/core/training/trainer-event';
import type { TrainerLink } from '../ports.js';
import { saveTogether, stopTogether } from './common-step.js';
import { type GenerationProgress, generationProgress, type Pair } from './generation-progress.js';
import type { TrainingInput } from './training-input.js';

export interface TrainingLoopPorts {
  readonly spec: RunSpec;
  readonly trainers: Readonly<Record<TrainedRole, TrainerLink>>;
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
 * Trains the generation of `todo` from its last pair on. Yields each committed pair, and in the end what the generation came to; ends
 * without the latter when the run is drained.
 */
export async function* trainingLoop(
  todo: Training,
  attempt: GenerationAttempt,
  ports: TrainingLoopPorts,
): AsyncGenerator<RunTransition> {
  const { spec } = ports;
  const { facts, generation } = todo;
  const trainers = Object.values(ports.trainers);
  const progress = generationProgress(todo, spec);
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
    ports.emit({ kind: 'pair-committed', generation, step, manifestKey });
  };
  const committed = (ref: PairRef): RunTransition => ({
    kind: 'pair-committed',
    pair: ref,
    validations: progress.commit(ref.step),
  });

  let draining = false;
  let limit = await moveLimit(nextLimit(progress.committed(), facts, spec));
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
    note(progress, role, event);
    pass(ports, todo, role, event);
    if (event.kind === 'checkpoint' && event.checkpoint.step < limit) {
      const pair = progress.pairAt(event.checkpoint.step);
      if (pair) yield* commit(pair, committed);
    }
    if (event.kind !== 'resting' || !progress.bothStoppedAt(limit)) continue;
    const pair = progress.pairAt(limit);
    if (!pair) throw new TrikdError('wrong-state', `both trainers stopped at step ${limit} without its checkpoint`);
    if (limit === facts.totalSteps || progress.converged()) {
      yield* commit(pair, (ref) => ({ kind: 'generation-trained', outcome: outcomeOf(pair, ref) }));
      return;
    }
    yield* commit(pair, committed);
    if (draining) return;
    limit = await moveLimit(nextLimit(limit, facts, spec));
  }
}

/** A trainer that cannot be reached, or is too fast, saves at the next request; if it is lost, its event stream says so. */
function ignoreUnreached(error: unknown): void {
  if (!(error instanceof TrikdError)) throw error;
}

function note(progress: GenerationProgress, role: TrainedRole, event: TrainerEvent): void {
  if (event.kind === 'evaluation') progress.validated(role, event.step, event.validation);
  if (event.kind === 'checkpoint') progress.checkpointed(role, event.checkpoint);
  if (event.kind === 'resting') progress.stopped(role, event.nextStep);
}

/** Emits the event of the run that an event of a trainer is. */
function pass(
  { emit, waits }: TrainingLoopPorts,
  { generation, facts }: Training,
  role: TrainedRole,
  event: TrainerEvent,
): void {
  switch (event.kind) {
    case 'progress':
      emit({ kind: 'progress', role, generation, totalSteps: facts.totalSteps, progress: event.progress });
      break;
    case 'evaluation':
      emit({ kind: 'evaluation', role, generation, step: event.step, validation: event.validation });
      break;
    case 'alarm':
      emit({ kind: 'alarm', role, generation, step: event.step, message: event.message });
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

function outcomeOf({ teacher, student }: Pair, ref: PairRef): Outcome {
  return {
    steps: ref.step,
    pair: ref,
    student: bestOf('student', student),
    teacher: bestOf('teacher', teacher),
    studentStateSha256: student.state.sha256,
    teacherStateSha256: teacher.state.sha256,
  };
}

function bestOf(role: TrainedRole, { best, step }: RoleCheckpoint): BestParams {
  if (best) return best;
  throw new TrikdError('invalid', `the ${role} was not validated in the ${step} steps of its generation`);
}
