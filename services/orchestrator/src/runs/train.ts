import { TrikdError } from '@trikd/core/domain/errors';
import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { BestParams, RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import type { RunEvent } from '@trikd/core/run/advance';
import { nextLimit } from '@trikd/core/run/convergence';
import type { Outcome, PairRef, Training } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { drainLimit } from './drain-limit.js';
import type { Heard } from './hear.js';
import { type Ledger, ledger, type Pair } from './ledger.js';
import type { DutyNews, TrainerLink } from './ports.js';
import { saveTogether } from './save-together.js';

/** What training a generation needs. */
export interface TrainPorts {
  readonly spec: RunSpec;
  readonly trainers: Readonly<Record<TrainedRole, TrainerLink>>;
  readonly heard: AsyncIterable<Heard>;
  /** Writes the manifest of a pair: from then on it exists. */
  commit(pair: Pair): Promise<PairRef>;
  tell(news: DutyNews): void;
}

/**
 * Trains the generation of `todo` from its last pair on, and says which pairs were committed and how it ended.
 * Ends without the latter only when it was drained.
 */
export async function* train(todo: Training, attempt: GenerationAttempt, ports: TrainPorts): AsyncGenerator<RunEvent> {
  const { spec } = ports;
  const { facts, generation } = todo;
  const trainers = Object.values(ports.trainers);
  const books = ledger(todo, spec.convergence);
  const rest = async (step: number) => {
    await Promise.all(trainers.map((trainer) => trainer.setLimit(attempt, step)));
    return step;
  };
  // Told only after the run's state has it: a pair that somebody has heard of is the one that a killed run goes on from.
  const commit = async function* (pair: Pair, event: (ref: PairRef) => RunEvent): AsyncGenerator<RunEvent> {
    const ref = await ports.commit(pair);
    yield event(ref);
    ports.tell({ kind: 'committed', generation, ...ref });
  };
  const committed = (ref: PairRef): RunEvent => ({
    kind: 'pair-committed',
    pair: ref,
    validations: books.commit(ref.step),
  });

  let draining = false;
  let leaving = false;
  let limit = await rest(nextLimit(books.committed(), facts, spec));
  for await (const heard of ports.heard) {
    if (heard.kind === 'drain-overdue') return;
    if (heard.kind === 'drain') {
      draining = true;
      limit = await drainLimit(trainers, attempt, limit);
      continue;
    }
    if (heard.kind === 'save') {
      if (!draining) await saveTogether(trainers, attempt, limit).catch(ignoreUncaught);
      continue;
    }
    const { event } = heard;
    if (event.kind === 'leaving') {
      // The trainer ends when both rest, and its attempt is lost; the next one goes on from the pair of that step.
      leaving = true;
      if (!draining) limit = await drainLimit(trainers, attempt, limit).catch(() => limit);
      continue;
    }
    note(books, ports, todo, heard);
    if (event.kind === 'checkpoint' && event.checkpoint.step < limit) {
      const pair = books.pairAt(event.checkpoint.step);
      if (pair) yield* commit(pair, committed);
    }
    if (event.kind !== 'resting' || !books.bothRestAt(limit)) continue;
    const pair = books.pairAt(limit);
    if (!pair) throw new TrikdError('wrong-state', `both trainers rest at step ${limit} without its checkpoint`);
    if (limit === facts.totalSteps || books.converged()) {
      yield* commit(pair, (ref) => ({ kind: 'generation-trained', outcome: outcomeOf(pair, ref) }));
      return;
    }
    yield* commit(pair, committed);
    if (draining) return;
    if (leaving) continue;
    limit = await rest(nextLimit(limit, facts, spec));
  }
}

/** Trainers that cannot be asked now, or are too fast, are asked again in time; what becomes of them is heard elsewhere. */
function ignoreUncaught(error: unknown): void {
  if (!(error instanceof TrikdError)) throw error;
}

/** Enters what a trainer reports into the books, and passes on what others follow. */
function note(
  books: Ledger,
  { tell }: TrainPorts,
  { generation, facts }: Training,
  { role, event }: Heard & { readonly kind: 'trainer' },
): void {
  switch (event.kind) {
    case 'progress':
      tell({ kind: 'progress', role, generation, totalSteps: facts.totalSteps, progress: event.progress });
      break;
    case 'evaluation':
      books.validated(role, event.step, event.validation);
      tell({ kind: 'evaluation', role, generation, step: event.step, validation: event.validation });
      break;
    case 'alarm':
      tell({ kind: 'alarm', role, generation, step: event.step, message: event.message });
      break;
    case 'checkpoint':
      books.saved(role, event.checkpoint);
      break;
    case 'resting':
      books.rests(role, event.nextStep);
      break;
    case 'stalled':
      tell({ kind: 'stalled', by: role, on: event.on, reason: event.reason });
      break;
    case 'went-on':
      tell({ kind: 'went-on', by: role, on: event.on });
      break;
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
  throw new TrikdError('invalid', `the ${role} was never validated in the ${step} steps of its generation`);
}
