import type { Clock } from '@trikd/core/clock';
import { TrikdError } from '@trikd/core/errors';
import { createBell } from '@trikd/core/exchange/bell';
import { advance, duty } from '@trikd/core/run/advance';
import type { Candidate, Leadership } from '@trikd/core/run/lease';
import { createRun, listRuns, loadRun, type SavedRun, saveRun } from '@trikd/core/run/run-store';
import { hasEnded } from '@trikd/core/run/state';
import type { Steering } from '@trikd/core/run/steer';
import type { RunSpec } from '@trikd/core/spec';
import type { ObjectStore } from '@trikd/core/store';
import type { WatchRunResponse } from '@trikd/platform/gen/trikd/v1/run';
import { type DrivenRun, type DrivenRunPorts, drainedNews, driveRun, rulesOf } from './driven-run.js';
import type { EventLog } from './event-log.js';
import type { EventPages } from './event-pages.js';
import { type PageWanted, pageOfRuns, type RunPage } from './list-runs.js';
import type { RunNews, RunView } from './ports.js';
import { salvage } from './salvage.js';
import { removeRun, type SteeringPorts, steerRun } from './steering.js';
import { createStories } from './stories.js';
import { watchRun } from './watch-run.js';

/** What an orchestrator works with. */
export interface OrchestratorPorts extends Omit<DrivenRunPorts, 'drained' | 'abandoned' | 'store' | 'publish' | 'now'> {
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
  openLog(runId: string): EventLog;
  openPages(runId: string): Promise<EventPages>;
  /** Called when a run is deleted. */
  removeLog(runId: string): Promise<void>;
}

/** A run to start or to continue. */
export interface Wanted {
  readonly spec: RunSpec;
  /** The same id again does nothing again. */
  readonly requestId?: string;
  /** Leads at once, whoever leads now. */
  readonly takeOver?: boolean;
}

/** Drives runs, one at a time: its trainers train one at a time. Of several orchestrators of one store, one does. */
export interface Orchestrator {
  /** Makes the run of a spec exist, or continues the stored one; the leader drives it. */
  create(wanted: Wanted): Promise<RunView>;
  get(runId: string): Promise<RunView>;
  list(wanted: PageWanted): Promise<RunPage>;
  /**
   * First how things stand, then what happens until the run ends or is drained: events from a number on, or 0: from now on. Every
   * follower gets the same messages, each made once.
   */
  watch(runId: string, from: number, signal: AbortSignal): AsyncIterable<WatchRunResponse>;
  /**
   * Makes a run what somebody wants, the same request once.
   * @throws TrikdError `wrong-state` when the run is in no phase for it or another orchestrator leads, `invalid` as `steer` does
   */
  steer(runId: string, steering: Steering, requestId?: string): Promise<RunView>;
  /** Removes a run that has ended, with all that it has stored. */
  remove(runId: string, requestId?: string): Promise<void>;
  /** Brings the run in hand to rest at a committed pair. Nothing is taken on afterwards. */
  drain(): Promise<void>;
}

/** Removals that are remembered, for those who ask again. */
const REMOVALS = 256;

export function orchestrator(ports: OrchestratorPorts): Orchestrator {
  const { store, clock, candidate } = ports;
  const now = () => ports.date().toISOString();
  const stories = createStories(ports);
  const drained = new AbortController();
  /** Rung when there may be something to drive, or when what is driven has changed. */
  const bell = createBell();
  let leadership: Leadership | undefined;
  let driven: DrivenRun | undefined;
  /** The run that the leader has taken on, from before it is taken over until it is not driven any more. */
  let inHand: { readonly runId: string; readonly rest: AbortController; readonly done: Promise<void> } | undefined;
  let held: Promise<void> | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  /** The highest term that a run was found written in. */
  let newest = 0;
  /** Why runs could not be read, as it was said last. */
  const unreadable = new Map<string, string>();
  let removals: readonly string[] = [];

  /** Who counts what happens in the run that was driven last. */
  let counted: { readonly runId: string; readonly count: ((news: RunNews) => void) | undefined } | undefined;
  const count = (runId: string, news: RunNews) => {
    if (counted?.runId === runId) counted.count?.(news);
  };

  const present = (runId: string): DrivenRun | undefined =>
    driven && !driven.over() && driven.runId === runId ? driven : undefined;
  const find = async (runId: string): Promise<RunView> => present(runId)?.view() ?? loadRun(store, runId);

  /** Resolves at the next ring, or after a while: other orchestrators ring no bell here. */
  const news = async (signal: AbortSignal) => {
    const look = new AbortController();
    const wait = clock.sleep(1000 * ports.look, AbortSignal.any([signal, look.signal])).catch(() => undefined);
    await Promise.race([wait, bell.heard()]);
    look.abort();
  };

  async function lead({ term, lost }: Leadership): Promise<void> {
    const over = AbortSignal.any([lost, drained.signal]);
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
    const restWanted = AbortSignal.any([drained.signal, rest]);
    // A drained run may still save where it rests; one that waits for a store that is away may not wait for ever.
    const giveUp = new AbortController();
    restWanted.addEventListener('abort', () => {
      void clock.sleep(1000 * ports.times.drain).then(() => giveUp.abort(restWanted.reason));
    });
    const trouble = (reason: string | undefined) => present(runId)?.waits('store', reason);
    const patient = ports.patient(AbortSignal.any([lost, giveUp.signal]), trouble);
    const taken = await takeOver(patient, run, term);
    counted = { runId, count: ports.counter?.() };
    const publish = (news: RunNews) => {
      count(runId, news);
      story.tell(news);
    };
    driven = driveRun(taken, { ...ports, store: patient, drained: restWanted, abandoned: lost, publish, now });
    bell.ring();
    const failure = await driven.done;
    const { state } = driven.view();
    if (failure) return stories.end(runId, failure);
    if (drained.signal.aborted && duty(state)) story.tell(drainedNews(state));
    if (drained.signal.aborted || hasEnded(state)) await stories.end(runId);
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
    while (!drained.signal.aborted) {
      try {
        leadership = await candidate.campaign(drained.signal, newest);
        leadership.lost.addEventListener('abort', () => void stories.endAll(goodbye), { once: true });
        bell.ring();
        await lead(leadership);
      } catch (error) {
        if (drained.signal.aborted) return;
        ports.failed('', error);
        await clock.sleep(1000 * ports.look, drained.signal).catch(() => undefined);
      } finally {
        const over = leadership;
        leadership = undefined;
        bell.ring();
        await over?.release();
        await stories.endAll(() => undefined);
      }
    }
  }
  const campaigning = campaign();

  /** Waits until the run is driven here, or is nobody's duty any more. */
  async function underWay(runId: string, takeOver: boolean): Promise<RunView> {
    for (;;) {
      const here = present(runId);
      if (here) return here.view();
      const run = await loadRun(store, runId);
      if (!duty(run.state) || drained.signal.aborted) return run;
      // Another orchestrator leads: it will find the run.
      if (!leadership && !takeOver) return run;
      await news(drained.signal);
    }
  }

  async function create({ spec, requestId, takeOver = false }: Wanted): Promise<RunView> {
    if (drained.signal.aborted) throw new TrikdError('unavailable', 'the orchestrator is shutting down');
    if (driven && !driven.over() && driven.runId !== spec.name) {
      throw new TrikdError(
        'wrong-state',
        `run ${driven.runId} is being trained, and the trainers train one run at a time`,
        { run: driven.runId },
      );
    }
    const { created, ...run } = await createRun(store, spec, requestId, now());
    const again = !created && requestId !== undefined && run.requests.includes(requestId);
    const here = present(spec.name);
    if (here) return here.view();
    if (run.state.phase === 'failed' && !again) await revive(run, requestId);
    else if (!duty(run.state)) return run;
    if (takeOver && !leadership) candidate.seize();
    bell.ring();
    return underWay(spec.name, takeOver);
  }

  async function revive(run: SavedRun, request: string | undefined): Promise<void> {
    const state = advance(run.state, { kind: 'taken-over' }, rulesOf(run.spec, ports));
    await saveRun(store, run, { state, ...(request !== undefined && { request }), at: now() });
  }

  const steeringPorts: SteeringPorts = {
    ...ports,
    stories,
    now,
    count,
    term: () => leadership?.term,
    rest: async (runId) => {
      if (inHand?.runId !== runId) return;
      inHand.rest.abort(new TrikdError('wrong-state', `run ${runId} is to rest`));
      await inHand.done;
    },
  };

  /** Lets the leader work while nothing is taken on. */
  async function leading<T>(work: (term: number) => Promise<T>): Promise<T> {
    if (!leadership) {
      const holder = await candidate.leader();
      const who = holder === undefined ? 'nobody leads at the moment' : `${holder} leads`;
      const message = `this orchestrator does not lead: ${who}, ask that one`;
      throw new TrikdError('wrong-state', holder === undefined ? `${who}: ask again` : message, {
        ...(holder !== undefined && { leader: holder }),
      });
    }
    const resume = Promise.withResolvers<void>();
    held = resume.promise;
    try {
      return await work(leadership.term);
    } finally {
      held = undefined;
      resume.resolve();
      bell.ring();
    }
  }

  /**
   * Refuses to steer a run that was written in a later term, as after the loss of the lease, and lets this orchestrator lead anew above
   * that: a run that rests is nobody's duty, so that nobody else finds it.
   */
  async function atMost(term: number, runId: string): Promise<void> {
    const run = await loadRun(store, runId);
    if (run.term <= term) return;
    newest = Math.max(newest, run.term);
    inHand?.rest.abort(
      new TrikdError('out-of-step', `run ${runId} was written in term ${run.term}, after term ${term}`),
    );
    throw new TrikdError('unavailable', `this orchestrator leads anew, above term ${run.term}: ask again`);
  }

  const oneByOne = <T>(work: () => Promise<T>): Promise<T> => {
    // One after the other: two calls at once must not start two drives.
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };

  return {
    create: (wanted) => oneByOne(() => create(wanted)),
    get: find,
    list: (wanted) => pageOfRuns(store, wanted, find),
    watch: (runId, from, signal) =>
      watchRun({ store, stories, find, news, drained: drained.signal }, runId, from, signal),
    steer: (runId, steering, requestId) =>
      oneByOne(() =>
        leading(async (term) => {
          await atMost(term, runId);
          return steerRun(steeringPorts, term, { runId, steering, requestId });
        }),
      ),
    remove: (runId, requestId) =>
      oneByOne(() =>
        leading(async (term) => {
          const removal = `${runId} ${requestId}`;
          if (requestId !== undefined && removals.includes(removal)) return;
          await atMost(term, runId);
          await steeringPorts.rest(runId);
          await removeRun(steeringPorts, term, runId);
          await ports.removeLog(runId);
          removals = [...removals, removal].slice(-REMOVALS);
        }),
      ),
    drain: async () => {
      drained.abort(new TrikdError('unavailable', 'the orchestrator is shutting down'));
      bell.ring();
      await turn;
      await driven?.done;
      await campaigning;
    },
  };
}
