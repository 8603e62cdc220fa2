import { TrikdError } from '@trikd/core/errors';
import type { GenerationAttempt, TrainedRole } from '@trikd/core/position';
import type { RunEvent } from '@trikd/core/run/advance';
import { converged, nextLimit } from '@trikd/core/run/convergence';
import { type Outcome, type PairRef, resumePair, type Training, type Validation } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec';
import type { BestParams, RoleCheckpoint, Score } from '@trikd/core/training/ports';
import type { Heard } from './hear.js';
import type { RunNews, TrainerLink } from './ports.js';

/** Both parts of the checkpoint of one step. */
export type Pair = Readonly<Record<TrainedRole, RoleCheckpoint>>;

/** What training a generation needs. */
export interface TrainPorts {
  readonly spec: RunSpec;
  readonly trainers: Readonly<Record<TrainedRole, TrainerLink>>;
  readonly heard: AsyncIterable<Heard>;
  /** Writes the manifest of a pair: from then on it exists. */
  commit(pair: Pair): Promise<PairRef>;
  tell(news: RunNews): void;
}

/** How often a drain that came too late for one trainer is tried with a later step. */
const DRAIN_TRIES = 5;
/** Steps between a trainer's present step and the one it is asked to rest before. */
const DRAIN_MARGIN = 2;

/**
 * Trains the generation of `todo` from its last pair on, and says which pairs were committed and how it ended.
 * Ends without the latter only when it was drained.
 */
export async function* train(todo: Training, attempt: GenerationAttempt, ports: TrainPorts): AsyncGenerator<RunEvent> {
  const { spec, trainers } = ports;
  const { totalSteps } = todo.facts;
  const generation = todo.generation;
  const halves: Record<TrainedRole, Map<number, RoleCheckpoint>> = { teacher: new Map(), student: new Map() };
  const resting = new Map<TrainedRole, number>();
  let committed = resumePair(todo)?.step ?? 0;
  let validations: readonly Validation[] = todo.validations;
  let saved = validations.length;
  let draining = false;

  const setLimit = async (step: number) => {
    await Promise.all(Object.values(trainers).map((trainer) => trainer.setLimit(attempt, step)));
    return step;
  };
  const take = (step: number): Pair | undefined => {
    const [teacher, student] = [halves.teacher.get(step), halves.student.get(step)];
    return teacher && student && { teacher, student };
  };
  const commit = async (pair: Pair): Promise<RunEvent> => {
    const ref = await ports.commit(pair);
    committed = ref.step;
    for (const role of ['teacher', 'student'] as const) forgetUpTo(halves[role], committed);
    const fresh = validations.slice(saved).filter(({ step }) => step <= committed);
    saved += fresh.length;
    ports.tell({ kind: 'committed', generation, ...ref });
    return { kind: 'pair-committed', pair: ref, validations: fresh };
  };

  let limit = await setLimit(nextLimit(committed, todo.facts, spec));
  for await (const heard of ports.heard) {
    if (heard.kind === 'drain-overdue') return;
    if (heard.kind === 'drain') {
      draining = true;
      limit = await drainLimit(ports, attempt, limit);
      continue;
    }
    const { role, event } = heard;
    switch (event.kind) {
      case 'progress':
        ports.tell({ kind: 'progress', role, generation, totalSteps, progress: event.progress });
        break;
      case 'evaluation': {
        const { step, validation } = event;
        checkFinite(role, step, validation);
        ports.tell({ kind: 'evaluation', role, generation, step, validation });
        const last = validations.at(-1)?.step ?? 0;
        if (role === 'student' && step > last) validations = [...validations, { step, accuracy: validation.accuracy }];
        break;
      }
      case 'alarm':
        ports.tell({ kind: 'alarm', role, generation, step: event.step, message: event.message });
        break;
      case 'checkpoint': {
        const { step } = event.checkpoint;
        if (step > committed) halves[role].set(step, event.checkpoint);
        const pair = step > committed && step < limit ? take(step) : undefined;
        if (pair) yield await commit(pair);
        break;
      }
      case 'resting': {
        resting.set(role, event.nextStep);
        if (resting.get('teacher') !== limit || resting.get('student') !== limit) break;
        const pair = take(limit);
        if (!pair) throw new TrikdError('wrong-state', `both trainers rest at step ${limit} without its checkpoint`);
        const accuracies = validations.map(({ accuracy }) => accuracy);
        if (limit === totalSteps || converged(accuracies, spec.convergence)) {
          ports.tell({ kind: 'committed', generation, ...(await ports.commit(pair)) });
          yield { kind: 'generation-trained', outcome: outcomeOf(pair, limit) };
          return;
        }
        yield await commit(pair);
        if (draining) return;
        limit = await setLimit(nextLimit(limit, todo.facts, spec));
        break;
      }
    }
  }
}

/**
 * Makes both trainers rest soon, before the same step, and never beyond the step at which something is decided.
 * Returns that step.
 */
async function drainLimit({ trainers }: TrainPorts, attempt: GenerationAttempt, limit: number): Promise<number> {
  for (let tries = 1; ; tries++) {
    const next = await Promise.all(Object.values(trainers).map((trainer) => trainer.nextStep()));
    const wanted = Math.max(...next) + DRAIN_MARGIN * tries;
    if (wanted >= limit) return limit;
    const set = await Promise.allSettled(Object.values(trainers).map((trainer) => trainer.setLimit(attempt, wanted)));
    const refusals = set.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
    if (refusals.length === 0) return wanted;
    const late = refusals.every((refusal) => refusal instanceof TrikdError && refusal.kind === 'wrong-state');
    if (!late || tries === DRAIN_TRIES) throw refusals[0];
  }
}

function forgetUpTo(halves: Map<number, RoleCheckpoint>, step: number): void {
  for (const key of halves.keys()) if (key <= step) halves.delete(key);
}

function outcomeOf({ teacher, student }: Pair, steps: number): Outcome {
  return {
    steps,
    student: bestOf('student', student),
    teacher: bestOf('teacher', teacher),
    studentStateSha256: student.state.sha256,
    teacherStateSha256: teacher.state.sha256,
  };
}

function bestOf(role: TrainedRole, { best, step }: RoleCheckpoint): BestParams {
  if (best) return best;
  throw new TrikdError('invalid', `the ${role} was never validated in the ${step} steps of its generation`);
}

function checkFinite(role: TrainedRole, step: number, { accuracy, nll }: Score): void {
  if (Number.isFinite(accuracy) && Number.isFinite(nll)) return;
  throw new TrikdError('diverged', `validation of the ${role} after ${step} steps: accuracy ${accuracy}, NLL ${nll}`);
}
