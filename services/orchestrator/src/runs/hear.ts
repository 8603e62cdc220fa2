import type { Clock } from '@trikd/core/async/clock';
import { queue } from '@trikd/core/async/queue';
import { TrikdError } from '@trikd/core/domain/errors';
import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { TrainerEvent } from '@trikd/core/training/trainer-event';
import type { TrainerLink } from './ports.js';

/** What reaches the orchestrator while a generation is trained. */
export type Heard =
  | { readonly kind: 'trainer'; readonly role: TrainedRole; readonly event: TrainerEvent }
  /** The run is to rest soon. */
  | { readonly kind: 'drain' }
  /** Both trainers are to save, since so much time has passed. */
  | { readonly kind: 'save' }
  /** It did not come to rest in time. */
  | { readonly kind: 'drain-overdue' };

/** Times of this file, in seconds. */
export interface HearTimes {
  /** How long the second trainer may take to say what the first failed of. */
  readonly grace: number;
  /** How long a drain may take until what was committed last has to do. */
  readonly drain: number;
  /** Time between checkpoints, besides those that trainers make by themselves. */
  readonly save?: number | undefined;
}

/** What ends the listening. */
export interface HearSignals {
  /** Aborts when the run is to rest soon. */
  readonly drained: AbortSignal;
  /** Aborts when it concerns nobody here any more; its reason is thrown. */
  readonly abandoned: AbortSignal;
}

/**
 * Both trainers' events and the wish to drain, in the order of their coming.
 * When a trainer fails because the other one is gone, the other one's reason is the one that is thrown: it comes a little
 * later, and it alone tells a diverged loss from a lost process.
 */
export async function* hear(
  trainers: readonly TrainerLink[],
  attempt: GenerationAttempt,
  { drained: drain, abandoned }: HearSignals,
  times: HearTimes,
  clock: Clock,
): AsyncGenerator<Heard> {
  const left = new AbortController();
  const arrivals = queue<Heard | { readonly kind: 'failed'; readonly failure: unknown }>();
  const watches = trainers.map((trainer) => listen(trainer, attempt, left.signal, arrivals.push));
  const overdue = () =>
    clock.sleep(1000 * times.drain, left.signal).then(
      () => arrivals.push({ kind: 'drain-overdue' }),
      () => undefined,
    );
  // At most one request waits to be read: a consumer that is slower than the interval saves as often as it can.
  let savePending = false;
  const saving = async (seconds: number) => {
    for (;;) {
      await clock.sleep(1000 * seconds, left.signal);
      if (!savePending) arrivals.push({ kind: 'save' });
      savePending = true;
    }
  };
  if (times.save !== undefined) saving(times.save).catch(() => undefined);
  const onDrain = () => {
    arrivals.push({ kind: 'drain' });
    void overdue();
  };
  if (drain.aborted) onDrain();
  drain.addEventListener('abort', onDrain, { once: true });
  const abandon = () => arrivals.push({ kind: 'failed', failure: abandoned.reason });
  if (abandoned.aborted) abandon();
  abandoned.addEventListener('abort', abandon, { once: true });
  try {
    for (;;) {
      const next = await arrivals.take();
      if (next.kind !== 'failed') {
        if (next.kind === 'save') savePending = false;
        yield next;
        continue;
      }
      if (abandoned.aborted) throw abandoned.reason;
      if (isConsequence(next.failure)) await Promise.race([Promise.all(watches), clock.sleep(1000 * times.grace)]);
      const rest = arrivals.rest();
      // What was saved before the failure is not lost with it; but nothing new is decided any more.
      for (const item of rest) if (item.kind === 'trainer' && item.event.kind !== 'resting') yield item;
      const failures = [next.failure, ...rest.flatMap((item) => (item.kind === 'failed' ? item.failure : []))];
      throw failures.find((failure) => !isConsequence(failure)) ?? next.failure;
    }
  } finally {
    drain.removeEventListener('abort', onDrain);
    abandoned.removeEventListener('abort', abandon);
    left.abort();
  }
}

/** Whether a failure may only be what another process's failure looks like from outside. */
function isConsequence(failure: unknown): boolean {
  return failure instanceof TrikdError && (failure.kind === 'unavailable' || failure.kind === 'out-of-step');
}

async function listen(
  trainer: TrainerLink,
  attempt: GenerationAttempt,
  signal: AbortSignal,
  push: (heard: Heard | { readonly kind: 'failed'; readonly failure: unknown }) => void,
): Promise<void> {
  let last: TrainerEvent | undefined;
  try {
    for await (const event of trainer.watch(attempt, signal)) {
      last = event;
      push({ kind: 'trainer', role: trainer.role, event });
    }
    // A trainer that has trained all steps rests, and has nothing more to report.
    if (last?.kind === 'resting') return;
    throw new TrikdError('unavailable', `the ${trainer.role} at ${trainer.address} ended its report`);
  } catch (failure) {
    push({ kind: 'failed', failure });
  }
}
