import { createBell } from '@trikd/core/async/bell';
import type { Clock } from '@trikd/core/async/clock';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { advance, duty } from '@trikd/core/run/advance';
import type { Candidate, Leadership } from '@trikd/core/run/lease';
import { listRuns, loadRun, type SavedRun, saveRun } from '@trikd/core/run/run-store';
import { hasEnded } from '@trikd/core/run/state';
import type { Stories } from '../events/stories.js';
import { type DrivenRun, type DrivenRunPorts, drainedNews, driveRun, rulesOf } from '../runs/driven-run.js';
import type { RunNews } from '../runs/ports.js';
import { salvage } from '../runs/salvage.js';

/** What leading needs. */
export interface LeadingPorts extends Omit<DrivenRunPorts, 'drained' | 'abandoned' | 'store' | 'publish' | 'now'> {
  /** Fails at once when it is away: for those who call and want to know. */
  readonly store: ObjectStore;
  /** The same store, waiting out what will pass: for a run that is driven. Gives up, with its reason, when the signal aborts. */
  patient(signal: AbortSignal, trouble: (reason: string | undefined) => void): ObjectStore;
  readonly candidate: Candidate;
  readonly clock: Clock;
  /** The time of day; nothing is decided by it. */
  date(): Date;
  /** Seconds between two looks at the store for what other orchestrators have written. */
  readonly look: number;
  /** Makes one that is told all news of a run that is driven here. Default: none. */
  counter?(): (news: RunNews) => void;
}

/** One of several orchestrators, that leads when it has the lease: then it drives runs, one after the other. */
export interface Leading {
  /** The term in which it leads. */
  readonly term: () => number | undefined;
  /** What is driven here at the moment. */
  readonly driven: () => DrivenRun | undefined;
  /** Told what becomes of a run, for those who count. */
  readonly count: (runId: string, news: RunNews) => void;
  /** There may be something to drive. With `seize` it leads at once, whoever leads now. */
  readonly ring: (options?: { readonly seize: boolean }) => void;
  /** Resolves when there may be something new, or after a while: other orchestrators ring no bell here. */
  readonly news: (signal: AbortSignal) => Promise<void>;
  /** Lets the leader work while nothing is taken on. @throws TrikdError `wrong-state` that says who leads, where it is another */
  readonly holding: <T>(work: (term: number) => Promise<T>) => Promise<T>;
  /** Brings the run to rest at a committed pair, if it is driven here. */
  readonly rest: (runId: string) => Promise<void>;
  /**
   * Refuses a run that was written in a later term, as after the loss of the lease, and lets this orchestrator lead anew above that: a
   * run that rests is nobody's duty, so that nobody else finds it.
   */
  readonly assertAtMost: (term: number, runId: string) => Promise<void>;
  /** Resolves when the process does not lead any more, and will not. */
  readonly over: Promise<void>;
}

/** @param drained aborts when the run in hand is to rest, and nothing is to be taken on afterwards */
export function leading(ports: LeadingPorts, stories: Stories, drained: AbortSignal): Leading {
  const { store, clock, candidate } = ports;
  const now = () => ports.date().toISOString();
  /** Rung when there may be something to drive, or when what is driven has changed. */
  const bell = createBell();
  let leadership: Leadership | undefined;
  let driven: DrivenRun | undefined;
  /** The run that was taken on, from before it is taken over until it is not driven any more. */
  let inHand: { readonly runId: string; readonly rest: AbortController; readonly done: Promise<void> } | undefined;
  let held: Promise<void> | undefined;
  /** The highest term that a run was found written in. */
  let newest = 0;
  /** Why runs could not be read, as it was said last. */
  const unreadable = new Map<string, string>();
  /** Who counts what happens in the run that was driven last. */
  let counted: { readonly runId: string; readonly count: ((news: RunNews) => void) | undefined } | undefined;
  const count = (runId: string, news: RunNews) => {
    if (counted?.runId === runId) counted.count?.(news);
  };

  const atWork = () => (driven && !driven.over() ? driven : undefined);

  async function news(signal: AbortSignal): Promise<void> {
    const look = new AbortController();
    const wait = clock.sleep(1000 * ports.look, AbortSignal.any([signal, look.signal])).catch(() => undefined);
    await Promise.race([wait, bell.heard(look.signal)]);
    look.abort();
  }

  async function lead({ term, lost }: Leadership): Promise<void> {
    const over = AbortSignal.any([lost, drained]);
    while (!over.aborted) {
      await held;
      if (newest > term) {
        const message = `a run was written in term ${newest}, after term ${term} of this orchestrator`;
        throw new TrikdError('out-of-step', message);
      }
      const run = await nextRun(over).catch((error: unknown) => {
        ports.failed('', error);
      });
      if (held) continue;
      if (!run) {
        await news(over);
        continue;
      }
      if (run.term > term) {
        newest = run.term;
        continue;
      }
      const rest = new AbortController();
      const done = driveToRest(run, term, { lost, rest: rest.signal });
      inHand = { runId: run.spec.name, rest, done: done.catch(() => undefined) };
      try {
        await done;
      } catch (error) {
        // Somebody else has written: what he wrote is looked at again. A run that cannot be taken over stays as it is.
        if (!(error instanceof TrikdError)) throw error;
        ports.failed(run.spec.name, error);
        await news(over);
      } finally {
        inHand = undefined;
        bell.ring();
      }
    }
  }

  /** Drives a run until it ends, or is to rest, and tells its story. */
  async function driveToRest(
    run: SavedRun,
    term: number,
    { lost, rest }: { readonly lost: AbortSignal; readonly rest: AbortSignal },
  ): Promise<void> {
    const runId = run.spec.name;
    const story = await stories.open(runId, term);
    const restWanted = AbortSignal.any([drained, rest]);
    // A drained run may still save where it rests; one that waits for a store that is away may not wait for ever.
    const giveUp = new AbortController();
    const over = new AbortController();
    const giveUpInTime = () => {
      clock.sleep(1000 * ports.times.drain, over.signal).then(
        () => giveUp.abort(restWanted.reason),
        () => undefined,
      );
    };
    restWanted.addEventListener('abort', giveUpInTime, { once: true, signal: over.signal });
    const trouble = (reason: string | undefined) => {
      const present = atWork();
      if (present?.runId === runId) present.waits('store', reason);
    };
    const patient = ports.patient(AbortSignal.any([lost, giveUp.signal]), trouble);
    const publish = (news: RunNews) => {
      count(runId, news);
      story.tell(news);
    };
    try {
      const taken = await takeOver(patient, run, term);
      counted = { runId, count: ports.counter?.() };
      driven = driveRun(taken, { ...ports, store: patient, drained: restWanted, abandoned: lost, publish, now });
      bell.ring();
      const failure = await driven.done;
      const { state } = driven.view();
      if (failure) return await stories.end(runId, failure);
      if (drained.aborted && duty(state)) story.tell(drainedNews(state));
      if (drained.aborted || hasEnded(state)) await stories.end(runId);
    } finally {
      // A listener that stays on a signal of several is kept for ever, and all that it knows.
      over.abort();
    }
  }

  /** The first run, by name, that has not ended. One that cannot be read is nobody's duty, and said once. */
  async function nextRun(signal: AbortSignal): Promise<SavedRun | undefined> {
    for (const runId of await listRuns(store)) {
      if (signal.aborted) return undefined;
      try {
        const run = await loadRun(store, runId);
        if (duty(run.state)) return run;
        unreadable.delete(runId);
      } catch (error) {
        if (!(error instanceof TrikdError) || error.kind === 'unavailable') throw error;
        if (error.kind === 'not-found') continue;
        if (unreadable.get(runId) !== error.message) ports.failed(runId, error);
        unreadable.set(runId, error.message);
      }
    }
    return undefined;
  }

  async function takeOver(patient: ObjectStore, run: SavedRun, term: number): Promise<SavedRun> {
    const at = now();
    // Term 0: nobody has driven it, so there is no attempt to fence out.
    if (run.term === 0) return saveRun(patient, run, { state: run.state, term, at });
    const { spec, state } = run;
    const rules = rulesOf(spec, ports);
    const saved = state.phase === 'training' && (await salvage(state, { ...ports, spec, store: patient }));
    const salvaged = saved ? advance(state, saved, rules) : state;
    return saveRun(patient, run, { state: advance(salvaged, { kind: 'taken-over' }, rules), term, at });
  }

  /** What followers hear of a run when this process leads no more: of one that it drove, that somebody else drives it. */
  const goodbye = (runId: string): Error | undefined =>
    driven?.runId === runId && duty(driven.view().state)
      ? new TrikdError('out-of-step', `another orchestrator drives run ${runId} now`)
      : undefined;

  async function campaign(): Promise<void> {
    while (!drained.aborted) {
      try {
        leadership = await candidate.campaign(drained, newest);
        leadership.lost.addEventListener('abort', () => void stories.endAll(goodbye), { once: true });
        bell.ring();
        await lead(leadership);
      } catch (error) {
        if (drained.aborted) return;
        ports.failed('', error);
        await clock.sleep(1000 * ports.look, drained).catch(() => undefined);
      } finally {
        const over = leadership;
        leadership = undefined;
        bell.ring();
        await over?.release();
        await stories.endAll(() => undefined);
      }
    }
  }

  const over = campaign();

  return {
    term: () => leadership?.term,
    driven: atWork,
    count,
    ring(options) {
      if (options?.seize && !leadership) candidate.seize();
      bell.ring();
    },
    news,
    async holding(work) {
      if (!leadership) throw await notLeading(candidate);
      const resume = Promise.withResolvers<void>();
      held = resume.promise;
      try {
        return await work(leadership.term);
      } finally {
        held = undefined;
        resume.resolve();
        bell.ring();
      }
    },
    async rest(runId) {
      if (inHand?.runId !== runId) return;
      inHand.rest.abort(new TrikdError('wrong-state', `run ${runId} is to rest`));
      await inHand.done;
    },
    async assertAtMost(term, runId) {
      const run = await loadRun(store, runId);
      if (run.term <= term) return;
      newest = Math.max(newest, run.term);
      const message = `run ${runId} was written in term ${run.term}, after term ${term}`;
      inHand?.rest.abort(new TrikdError('out-of-step', message));
      throw new TrikdError('unavailable', `this orchestrator leads anew, above term ${run.term}: ask again`);
    },
    over,
  };
}

async function notLeading(candidate: Candidate): Promise<TrikdError> {
  const leader = await candidate.leader();
  if (leader === undefined) return new TrikdError('wrong-state', 'nobody leads at the moment: ask again');
  return new TrikdError('wrong-state', `this orchestrator does not lead: ${leader} leads, ask that one`, { leader });
}
