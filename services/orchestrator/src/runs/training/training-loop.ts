import { TrikdError } from '@trikd/core/domain/errors';
import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { BestParams, RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import type { RunEvent } from '@trikd/core/run/advance';
import { nextLimit } from '@trikd/core/run/convergence';
import type { Outcome, PairRef, Training } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { TrainerEvent } from '@trikd/core/training/trainer-event';
import type { DutyNews, TrainerLink } from '../ports.js';
import { saveTogether, stopTogether } from './common-step.js';
import { type GenerationProgress, generationProgress, type Pair } from './generation-progress.js';
import type { TrainingInput } from './training-input.js';

export interface TrainingLoopPorts {
  readonly spec: RunSpec;
  readonly trainers: Readonly<Record<TrainedRole, TrainerLink>>;
  readonly input: AsyncIterable<TrainingInput>;
  /** Writes the manifest of a pair: from then on it exists. */
  commit(pair: Pair): Promise<PairRef>;
  tell(news: DutyNews): void;
}

/**
 * Trains the generation of `todo` from its last pair on. Yields each committed pair, and in the end what the generation came to; ends
 * without the latter when the run is drained.
 */
export async function* trainingLoop(
  todo: Training,
  attempt: GenerationAttempt,
  ports: TrainingLoopPorts,
): AsyncGenerator<RunEvent> {
  const { spec } = ports;
  const { facts, generation } = todo;
  const trainers = Object.values(ports.trainers);
  const progress = generationProgress(todo, spec.convergence);
  const moveLimit = async (step: number) => {
    await Promise.all(trainers.map((trainer) => trainer.setLimit(attempt, step)));
    return step;
  };
  // Emitted after the state is saved: a pair that watchers know of is the one that a killed run resumes from.
  const commit = async function* (pair: Pair, event: (ref: PairRef) => RunEvent): AsyncGenerator<RunEvent> {
    const ref = await ports.commit(pair);
    yield event(ref);
    ports.tell({ kind: 'committed', generation, ...ref });
  };
  const committed = (ref: PairRef): RunEvent => ({
    kind: 'pair-committed',
    pair: ref,
    validations: progress.commit(ref.step),
  });

  let draining = false;
  let leaving = false;
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
        ports.tell({ kind: 'stalled', by: 'orchestrator', on: input.role, reason: input.reason });
        continue;
      case 'trainer-back':
        ports.tell({ kind: 'went-on', by: 'orchestrator', on: input.role });
        continue;
      case 'trainer-event':
        break;
    }
    const { role, event } = input;
    if (event.kind === 'leaving') {
      // The process ends when both have stopped, and the attempt is lost; the next one resumes from the pair of that step.
      leaving = true;
      if (!draining) limit = await stopTogether(trainers, attempt, limit).catch(() => limit);
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
    if (leaving) continue;
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

/** Passes on what watchers of the run follow. */
function pass(
  { tell }: TrainingLoopPorts,
  { generation, facts }: Training,
  role: TrainedRole,
  event: TrainerEvent,
): void {
  switch (event.kind) {
    case 'progress':
      tell({ kind: 'progress', role, generation, totalSteps: facts.totalSteps, progress: event.progress });
      break;
    case 'evaluation':
      tell({ kind: 'evaluation', role, generation, step: event.step, validation: event.validation });
      break;
    case 'alarm':
      tell({ kind: 'alarm', role, generation, step: event.step, message: event.message });
      break;
    case 'stalled':
      tell({ kind: 'stalled', by: role, on: event.on, reason: event.reason });
      break;
    case 'went-on':
      tell({ kind: 'went-on', by: role, on: event.on });
      break;
    case 'checkpoint':
    case 'resting':
    case 'leaving':
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
