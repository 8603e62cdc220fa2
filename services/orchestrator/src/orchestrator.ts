import type { Clock } from '@trikd/core/clock';
import { TrikdError } from '@trikd/core/errors';
import { createBell } from '@trikd/core/exchange/bell';
import { advance, duty } from '@trikd/core/run/advance';
import { pointAsStated } from '@trikd/core/run/anchor-pointer';
import type { Candidate, Leadership } from '@trikd/core/run/lease';
import { createRun, listRuns, loadRun, type SavedRun, saveRun } from '@trikd/core/run/run-store';
import type { RunSpec } from '@trikd/core/spec';
import type { ObjectStore } from '@trikd/core/store';
import { type DrivenRun, type DrivenRunPorts, drainedNews, driveRun, rulesOf } from './driven-run.js';
import type { RunNews, RunView } from './ports.js';
import { salvage } from './salvage.js';

/** What an orchestrator works with. */
export interface OrchestratorPorts extends Omit<DrivenRunPorts, 'drained' | 'abandoned' | 'store'> {
  /** Fails at once when it is away: for those who call and want to know. */
  readonly store: ObjectStore;
  /** The same store, waiting out what will pass: for a run that is driven. Gives up, with its reason, when the signal aborts. */
  patient(signal: AbortSignal, trouble: (reason: string | undefined) => void): ObjectStore;
  readonly candidate: Candidate;
  readonly clock: Clock;
  /** Seconds between two looks at the store for what other orchestrators have written. */
  readonly look: number;
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
  /** First how things stand, then what happens until the run ends or is drained. */
  watch(runId: string, signal: AbortSignal): AsyncIterable<RunNews>;
  /**
   * Makes the student of an earlier generation the anchor again. A generation in training begins anew beside it.
   * @throws TrikdError `wrong-state` when another orchestrator leads, `invalid` when that student was never promoted
   */
  rollBack(runId: string, generation: number, requestId?: string): Promise<RunView>;
  /** Brings the run in hand to rest at a committed pair. Nothing is taken on afterwards. */
  drain(): Promise<void>;
}

export function orchestrator(ports: OrchestratorPorts): Orchestrator {
  const { store, clock, candidate } = ports;
  const drained = new AbortController();
  /** Rung when there may be something to drive, or when what is driven has changed. */
  const bell = createBell();
  let leadership: Leadership | undefined;
  let driven: DrivenRun | undefined;
  /** Ends the present drive at a committed pair, without draining the process. */
  let pause: AbortController | undefined;
  let held: Promise<void> | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  /** The highest term that a run was found written in. */
  let newest = 0;
  /** Why runs could not be read, as it was said last. */
  const unreadable = new Map<string, string>();

  const present = (runId: string): DrivenRun | undefined =>
    driven && !driven.over() && driven.runId === runId ? driven : undefined;

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
      const run = await nextRun(over).catch((error: unknown) => {
        ports.failed('', error);
      });
      if (!run) {
        await news(over);
        continue;
      }
      if (run.term > term) {
        newest = run.term;
        const message = `run ${run.spec.name} was written in term ${run.term}, after term ${term} of this orchestrator`;
        throw new TrikdError('out-of-step', message);
      }
      const rest = new AbortController();
      pause = rest;
      const restWanted = AbortSignal.any([drained.signal, rest.signal]);
      // A drained run may still save where it rests; one that waits for a store that is away may not wait for ever.
      const giveUp = new AbortController();
      restWanted.addEventListener('abort', () => {
        void clock.sleep(1000 * ports.times.drain).then(() => giveUp.abort(restWanted.reason));
      });
      try {
        const trouble = (reason: string | undefined) => present(run.spec.name)?.waits('store', reason);
        const patient = ports.patient(AbortSignal.any([lost, giveUp.signal]), trouble);
        const taken = await takeOver(patient, run, term);
        driven = driveRun(taken, { ...ports, store: patient, drained: restWanted, abandoned: lost });
        bell.ring();
        await driven.done;
      } catch (error) {
        // Somebody else has written: what he wrote is looked at again. A run that cannot be taken over stays as it is.
        if (!(error instanceof TrikdError)) throw error;
        ports.failed(run.spec.name, error);
        await news(over);
      } finally {
        bell.ring();
      }
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
        if (unreadable.get(runId) !== error.message) ports.failed(runId, error);
        unreadable.set(runId, error.message);
      }
    }
    return undefined;
  }

  async function takeOver(patient: ObjectStore, run: SavedRun, term: number): Promise<SavedRun> {
    // Term 0: nobody has driven it, so there is no attempt to fence out.
    if (run.term === 0) return saveRun(patient, run, { state: run.state, term });
    const { spec, state } = run;
    const rules = rulesOf(spec, ports);
    const saved = state.phase === 'training' && (await salvage(state, { ...ports, spec, store: patient }));
    const salvaged = saved ? advance(state, saved, rules) : state;
    return saveRun(patient, run, { state: advance(salvaged, { kind: 'taken-over' }, rules), term });
  }

  async function campaign(): Promise<void> {
    while (!drained.signal.aborted) {
      try {
        leadership = await candidate.campaign(drained.signal, newest);
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
      );
    }
    const { created, ...run } = await createRun(store, spec, requestId);
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
    await saveRun(store, run, { state, ...(request !== undefined && { request }) });
  }

  async function rollBack(runId: string, generation: number, request?: string): Promise<RunView> {
    if (!leadership) throw new TrikdError('wrong-state', 'another orchestrator leads: ask that one');
    const { term } = leadership;
    const resume = Promise.withResolvers<void>();
    held = resume.promise;
    try {
      if (present(runId)) pause?.abort(new TrikdError('wrong-state', `run ${runId} is being rolled back`));
      await driven?.done;
      const run = await loadRun(store, runId);
      const again = request !== undefined && run.requests.includes(request);
      const state = again
        ? run.state
        : advance(run.state, { kind: 'rolled-back', to: generation }, rulesOf(run.spec, ports));
      if (!again) await saveRun(store, run, { state, term, ...(request !== undefined && { request }) });
      await pointAsStated(store, runId, state, term);
      return { spec: run.spec, state };
    } finally {
      held = undefined;
      resume.resolve();
      bell.ring();
    }
  }

  const oneByOne = <T>(work: () => Promise<T>): Promise<T> => {
    // One after the other: two calls at once must not start two drives.
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };

  return {
    create: (wanted) => oneByOne(() => create(wanted)),
    rollBack: (runId, generation, requestId) => oneByOne(() => rollBack(runId, generation, requestId)),
    get: async (runId) => present(runId)?.view() ?? loadRun(store, runId),
    watch: async function* (runId, signal) {
      let revision = -1;
      while (!signal.aborted) {
        const here = present(runId);
        if (here) {
          // Followed before the first is told, so that nothing falls between the two.
          const rest = here.hub.follow(signal);
          yield { kind: 'run', ...here.view() };
          yield* rest;
          return;
        }
        const { spec, state, ...file } = await loadRun(store, runId);
        if (file.revision !== revision) yield { kind: 'run', spec, state };
        revision = file.revision;
        if (!duty(state)) return;
        if (drained.signal.aborted) {
          yield drainedNews(state);
          return;
        }
        await news(AbortSignal.any([signal, drained.signal]));
      }
    },
    drain: async () => {
      drained.abort(new TrikdError('unavailable', 'the orchestrator is shutting down'));
      bell.ring();
      await turn;
      await driven?.done;
      await campaigning;
    },
  };
}
