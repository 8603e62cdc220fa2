import type { Clock } from '@trikd/core/async/clock';
import { queue } from '@trikd/core/async/queue';
import { within } from '@trikd/core/async/within';
import { TrikdError } from '@trikd/core/domain/errors';
import type { StageAttempt, TrainedRole } from '@trikd/core/domain/position';
import type { TrainerEvent } from '@trikd/core/training/ports';
import type { TrainerLink } from '../ports.js';

/** What the training loop acts on. */
export type TrainingInput =
  | { readonly kind: 'trainer-event'; readonly role: TrainedRole; readonly event: TrainerEvent }
  /** The connection to a trainer is lost, and not given up. */
  | { readonly kind: 'trainer-lost'; readonly role: TrainedRole; readonly reason: string }
  /** It is back. */
  | { readonly kind: 'trainer-back'; readonly role: TrainedRole }
  /** The run is to pause soon. */
  | { readonly kind: 'drain' }
  /** It did not pause in time. */
  | { readonly kind: 'drain-overdue' }
  /** Both trainers are to save, since so much time has passed. */
  | { readonly kind: 'save' };

/** In seconds. */
export interface InputTimes {
  /** How long the second trainer may take to say what the first failed of. */
  readonly grace: number;
  /** How long a drain may take. */
  readonly drain: number;
  /** Time between checkpoints, besides those that trainers make by themselves. */
  readonly save?: number | undefined;
}

export interface InputSignals {
  /** Aborts when the run is to pause soon. */
  readonly drained: AbortSignal;
  /** Aborts when another orchestrator drives the run; its reason is thrown. */
  readonly abandoned: AbortSignal;
}

interface Failed {
  readonly kind: 'failed';
  readonly failure: unknown;
}

type Push = (item: TrainingInput | Failed) => void;

/**
 * The events of both trainers and the requests to save and to drain, in the order of their arrival.
 * When a trainer fails because the other one is gone, the reason of the other one is thrown: it arrives a little later, and it alone
 * distinguishes a diverged loss from a lost process.
 */
export async function* trainingInput(
  trainers: readonly TrainerLink[],
  attempt: StageAttempt,
  { drained, abandoned }: InputSignals,
  times: InputTimes,
  clock: Clock,
): AsyncGenerator<TrainingInput> {
  const left = new AbortController();
  const arrivals = queue<TrainingInput | Failed>();
  const watches = trainers.map((trainer) => watchTrainer(trainer, attempt, left.signal, arrivals.push));
  // At most one request waits to be read: a consumer that is slower than the interval saves as often as it can.
  let savePending = false;
  const requestSave = () => {
    if (!savePending) arrivals.push({ kind: 'save' });
    savePending = true;
  };
  if (times.save !== undefined) void repeat(times.save, clock, left.signal, requestSave);
  whenAborted(drained, left.signal, () => {
    arrivals.push({ kind: 'drain' });
    void pushOverdue(times.drain, clock, left.signal, arrivals.push);
  });
  whenAborted(abandoned, left.signal, () => arrivals.push({ kind: 'failed', failure: abandoned.reason }));
  try {
    for (;;) {
      const next = await arrivals.take();
      if (next.kind !== 'failed') {
        if (next.kind === 'save') savePending = false;
        yield next;
        continue;
      }
      if (abandoned.aborted) throw abandoned.reason;
      if (mayBeConsequence(next.failure)) await within(Promise.all(watches), times.grace, clock);
      const rest = arrivals.rest();
      // What was saved before the failure is not lost with it; but nothing new is decided.
      for (const item of rest) if (item.kind === 'trainer-event' && item.event.kind !== 'resting') yield item;
      const failures = [next.failure, ...rest.flatMap((item) => (item.kind === 'failed' ? item.failure : []))];
      throw failures.find((failure) => !mayBeConsequence(failure)) ?? next.failure;
    }
  } finally {
    left.abort();
  }
}

/** Whether a failure may only be what the failure of another process looks like from outside. */
function mayBeConsequence(failure: unknown): boolean {
  return failure instanceof TrikdError && (failure.kind === 'unavailable' || failure.kind === 'out-of-step');
}

async function watchTrainer(
  trainer: TrainerLink,
  attempt: StageAttempt,
  signal: AbortSignal,
  push: Push,
): Promise<void> {
  const { role, address } = trainer;
  const connection = (reason: string | undefined) =>
    push(reason === undefined ? { kind: 'trainer-back', role } : { kind: 'trainer-lost', role, reason });
  let last: TrainerEvent | undefined;
  try {
    for await (const event of trainer.watch(attempt, signal, connection)) {
      last = event;
      push({ kind: 'trainer-event', role, event });
    }
    // A trainer that has trained all steps has nothing more to report.
    if (last?.kind === 'resting') return;
    throw new TrikdError('unavailable', `the ${role} at ${address} ended its event stream`);
  } catch (failure) {
    push({ kind: 'failed', failure });
  }
}

async function repeat(seconds: number, clock: Clock, left: AbortSignal, act: () => void): Promise<void> {
  while (!left.aborted) {
    await clock.sleep(1000 * seconds, left).catch(() => undefined);
    if (!left.aborted) act();
  }
}

async function pushOverdue(seconds: number, clock: Clock, left: AbortSignal, push: Push): Promise<void> {
  await clock.sleep(1000 * seconds, left).catch(() => undefined);
  if (!left.aborted) push({ kind: 'drain-overdue' });
}

/** Calls `act` once when the signal aborts, also when it has aborted already, and not after `left` has. */
function whenAborted(signal: AbortSignal, left: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener('abort', act, { once: true, signal: left });
}
