import type { Clock } from '@trikd/core/async/clock';
import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { RoleStep } from '@trikd/core/timing/role-step';
import type { TrioStep } from '@trikd/core/timing/slow-steps';
import { createStepBook, type StepBook } from '@trikd/core/timing/step-book';
import { isSampled, type StepTracing, traceIdOf } from '@trikd/core/timing/trace-ids';
import type { DutyNews, StepLink } from './ports.js';

/** What following the steps of an attempt needs. */
export interface FollowStepsPorts {
  readonly links: readonly StepLink[];
  readonly tracing: StepTracing;
  readonly clock: Clock;
  /** Seconds between two looks. */
  readonly look: number;
  /** Steps to trace that have just ended, whether they are sampled or not; they are taken out. */
  readonly wanted: number[];
  tell(news: DutyNews): void;
  /** Told of the steps that the processes have traced, for the root that they hang on. */
  traced?(attempt: GenerationAttempt, seed: string, step: TrioStep): void;
}

/** Answers that one look takes from a process: the rest comes with the next. */
const ANSWERS_OF_A_LOOK = 5;

/**
 * Asks the models again and again where the time of their steps went, and tells it, until `over` aborts; once more then. Whatever
 * fails of it is passed over: nothing in training depends on it.
 */
export async function followSteps(
  attempt: GenerationAttempt,
  ports: FollowStepsPorts,
  over: AbortSignal,
): Promise<void> {
  const book = createStepBook();
  while (!over.aborted) {
    await ports.clock.sleep(1000 * ports.look, over).catch(() => undefined);
    await Promise.all(ports.links.map((link) => readNew(link, attempt, book)));
    const slow = tellNews(attempt, ports, book);
    await traceAll(attempt, ports, book, [...slow, ...ports.wanted.splice(0), ...(over.aborted ? [book.last()] : [])]);
  }
}

async function readNew(link: StepLink, attempt: GenerationAttempt, book: StepBook): Promise<void> {
  for (let answers = 0; answers < ANSWERS_OF_A_LOOK; answers++) {
    const from = book.next(link.role);
    const steps = await link.read(attempt, from).catch((): readonly RoleStep[] => []);
    book.add(link.role, steps);
    if (book.next(link.role) === from) return;
  }
}

/** Returns the steps that took much too long. */
function tellNews(attempt: GenerationAttempt, ports: FollowStepsPorts, book: StepBook): readonly number[] {
  const news = book.summarise();
  if (!news) return [];
  const { tell, tracing, traced } = ports;
  const { generation, attempt: count } = attempt;
  tell({ kind: 'step-times', generation, attempt: count, ...news.times });
  for (const step of news.steps) if (isSampled(tracing, step.step)) traced?.(attempt, tracing.seed, step);
  const { slow } = news;
  if (!slow) return [];
  const traceId = traceIdOf(tracing.seed, { ...attempt, step: slow.step });
  tell({ kind: 'slow-step', generation, attempt: count, ...slow, traceId });
  return [slow.step];
}

/** Has steps traced that were not when they ended. */
async function traceAll(
  attempt: GenerationAttempt,
  { links, tracing, traced }: FollowStepsPorts,
  book: StepBook,
  asked: readonly (number | undefined)[],
): Promise<void> {
  const found = [...new Set(asked)].flatMap((step) => (step === undefined ? [] : (book.find(step) ?? [])));
  const missing = found.filter(({ step }) => !isSampled(tracing, step));
  if (missing.length === 0) return;
  const steps = missing.map(({ step }) => step);
  await Promise.all(links.map((link) => link.trace(attempt, steps).catch(() => undefined)));
  for (const step of missing) traced?.(attempt, tracing.seed, step);
}
