import type { Clock } from '@trikd/core/async/clock';
import type { Role, StageAttempt, TrainedRole } from '@trikd/core/domain/position';
import type { RunEvent } from '@trikd/core/run/run-event';
import type { ProcessUsage } from '@trikd/core/timing/role-step';
import type { TrioStep } from '@trikd/core/timing/slow-steps';
import { createStepBook, type StepBook } from '@trikd/core/timing/step-book';
import { isSampled, type StepTracing, traceIdOf } from '@trikd/core/timing/trace-ids';
import type { StepLink, StepsRead } from '../ports.js';

/** The models that report the durations of their steps, and the tracer of those steps. */
export interface StepSources extends StepTracer {
  readonly links: readonly StepLink[];
  /** Seconds between two looks. */
  readonly look: number;
}

export interface StepTracer {
  /** Gets each step that the processes have traced, for the root span of their spans. */
  traced?(attempt: StageAttempt, seed: string, step: TrioStep): void;
}

export interface FollowStepsPorts {
  /** Those with a learner in the stage. */
  readonly trainers: readonly TrainedRole[];
  readonly tracing: StepTracing;
  readonly clock: Clock;
  /** Steps to trace although they are not sampled; they are taken out. */
  readonly wanted: number[];
  emit(event: RunEvent): void;
}

/** Responses that one look reads from a process: the rest is read at the next. */
const RESPONSES_OF_A_LOOK = 5;

/** What the processes used, as each reported it last. */
type Usages = Partial<Record<Role, ProcessUsage>>;

const NOTHING: StepsRead = { steps: [] };

/**
 * Reads where the time of the models' steps went, and what their processes use, and emits it, until `over` aborts; then once more. Failures are ignored: training does
 * not depend on it.
 */
export async function followSteps(
  attempt: StageAttempt,
  ports: FollowStepsPorts,
  sources: StepSources,
  over: AbortSignal,
): Promise<void> {
  const book = createStepBook(ports.trainers);
  const usages: Usages = {};
  while (!over.aborted) {
    await ports.clock.sleep(1000 * sources.look, over).catch(() => undefined);
    await Promise.all(sources.links.map((link) => readNew(link, attempt, book, usages)));
    const slow = emitNew(attempt, ports, sources, book, usages);
    const wanted = [...slow, ...ports.wanted.splice(0), ...(over.aborted ? [book.last()] : [])];
    await traceAll(attempt, ports, sources, book, wanted);
  }
}

async function readNew(link: StepLink, attempt: StageAttempt, book: StepBook, usages: Usages): Promise<void> {
  for (let responses = 0; responses < RESPONSES_OF_A_LOOK; responses++) {
    const from = book.next(link.role);
    const { steps, usage } = await link.read(attempt, from).catch(() => NOTHING);
    book.add(link.role, steps);
    if (usage) usages[link.role] = usage;
    if (book.next(link.role) === from) return;
  }
}

/** Emits the times of new steps. Returns the steps that took much too long. */
function emitNew(
  attempt: StageAttempt,
  { emit, tracing }: FollowStepsPorts,
  { traced }: StepTracer,
  book: StepBook,
  usages: Usages,
): readonly number[] {
  const news = book.summarise();
  if (!news) return [];
  const { stage, attempt: count } = attempt;
  const roles = news.times.roles.map((times) => ({ ...times, ...usageOf(usages, times.role) }));
  emit({ kind: 'step-times', stage, attempt: count, ...news.times, roles });
  for (const step of news.steps) if (isSampled(tracing, step.step)) traced?.(attempt, tracing.seed, step);
  const { slow } = news;
  if (!slow) return [];
  const traceId = traceIdOf(tracing.seed, { ...attempt, step: slow.step });
  emit({ kind: 'slow-step', stage, attempt: count, ...slow, traceId });
  return [slow.step];
}

function usageOf(usages: Usages, role: Role): { readonly usage?: ProcessUsage } {
  const usage = usages[role];
  return usage ? { usage } : {};
}

/** Traces steps that were not traced when they ended. */
async function traceAll(
  attempt: StageAttempt,
  { tracing }: FollowStepsPorts,
  { links, traced }: StepSources,
  book: StepBook,
  wanted: readonly (number | undefined)[],
): Promise<void> {
  const found = [...new Set(wanted)].flatMap((step) => (step === undefined ? [] : (book.find(step) ?? [])));
  const missing = found.filter(({ step }) => !isSampled(tracing, step));
  if (missing.length === 0) return;
  const steps = missing.map(({ step }) => step);
  await Promise.all(links.map((link) => link.trace(attempt, steps).catch(() => undefined)));
  for (const step of missing) traced?.(attempt, tracing.seed, step);
}
