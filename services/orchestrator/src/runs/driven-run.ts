import type { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { advance, type Duty, duty, type RunTransition } from '@trikd/core/run/advance';
import { drive } from '@trikd/core/run/drive';
import type { Stall } from '@trikd/core/run/run-event';
import type { RunView } from '@trikd/core/run/run-view';
import type { Displacement } from '@trikd/core/run/state';
import { collectLeftovers } from '@trikd/core/run/stored/collector';
import { type SavedRun, saveRun } from '@trikd/core/run/stored/run-store';
import type { Incident } from '../placement/placement.js';
import { type PerformPorts, perform } from './duties/perform.js';
import type { DutyScope } from './duties/scope.js';
import { exchangeSecrets } from './duties/scope.js';
import { type RunLog, traceSeedOf } from './run-log.js';
import { createRunReporter, type RunReporterPorts } from './run-reporter.js';
import { type RunLimits, rulesOf } from './run-services.js';
import type { TrioWatch } from './trio-watch.js';
import { displacementIn, isOfTheTrio, isUnavailable } from './trio-watch.js';

export interface DrivenRunPorts extends PerformPorts, RunLimits {
  /** Steps whose number it divides are traced; 0: none are. */
  readonly everySteps?: number;
  /** The time of day. */
  date(): Date;
  /** 32 random bytes. */
  secretKey(): Uint8Array;
  /** Gets what ended the drive of a run, other than the run's own end. */
  failed(runId: string, error: unknown): void;
}

/** What one drive of a run has for itself. */
export interface DriveScope extends RunReporterPorts {
  readonly log: RunLog;
  /** Operations are retried while it is away. */
  readonly store: ObjectStore;
  /** Aborts when the run is to pause. */
  readonly drained: AbortSignal;
  /** Aborts when another orchestrator drives the run. */
  readonly abandoned: AbortSignal;
  readonly trio: TrioWatch;
  /** The trio has to be left: aborts `drained`. */
  displace(by: Displacement): void;
  /** Whether a service of the trio that is gone is started again. */
  readonly restores: boolean;
  /** Whether the run could have another trio at once. */
  hasAlternative(): Promise<boolean>;
}

/** A run that is driven here. */
export interface DrivenRun {
  readonly runId: string;
  readonly view: () => RunView;
  /** Notes what the orchestrator itself waits for; undefined: it goes on. */
  readonly waits: (on: Stall['on'], reason: string | undefined) => void;
  /** Something happened to a process of the trio. */
  readonly incident: (incident: Incident) => void;
  /** Whether no event follows. */
  readonly over: () => boolean;
  /** Resolves when it is not driven any more, with an error unless the run ended or paused. */
  readonly done: Promise<Error | undefined>;
}

/** Drives a run until it ends, pauses (`drained`), or belongs to another orchestrator (`abandoned`). */
export function driveRun(run: SavedRun, ports: DrivenRunPorts, scope: DriveScope): DrivenRun {
  const { spec, term } = run;
  const { store, log, drained, abandoned, trio, displace, restores, hasAlternative } = scope;
  const { everySteps = 0 } = ports;
  const now = () => ports.date().toISOString();
  const rules = rulesOf(spec, ports);
  const reporter = createRunReporter(run, scope, everySteps, now);
  const tracing = { seed: traceSeedOf(run), everySteps };
  const duties: DutyScope = {
    spec,
    rules,
    term,
    store,
    tracing,
    secretOf: exchangeSecrets(ports.secretKey()),
    drained,
    abandoned,
    reachable: (signal) => trio.reachable(signal, (on, reason) => reporter.waits('orchestrator', on, reason)),
    restores,
    leaves: (role) => displace({ why: 'trio-draining', message: `the ${role} is shutting down` }),
    emit: reporter.emit,
    waits: reporter.waits,
  };

  async function* performLogged(todo: Duty): AsyncGenerator<RunTransition> {
    try {
      yield* perform(duties, ports, todo);
    } catch (failure) {
      const by = displacementIn(drained.reason);
      if (by && isOfTheTrio(failure) && !abandoned.aborted) return yield { kind: 'displaced', by };
      if (!abandoned.aborted && !isPause(failure)) log.attemptLost(reporter.view(), failure);
      if (isUnavailable(failure)) await tryElsewhere(failure);
      throw failure;
    }
  }

  /** What is silent looks well from outside. The loss counts: what makes every trio silent comes from the run itself. */
  async function tryElsewhere({ message }: TrikdError): Promise<void> {
    const isBetter = await hasAlternative().catch(() => false);
    if (isBetter && !drained.aborted) displace({ why: 'trio-away', message: `${message}: it tries another trio` });
  }

  async function driveToEnd(): Promise<Error | undefined> {
    const left = AbortSignal.any([drained, abandoned]);
    const { saved: changed, close, closed } = reporter;
    abandoned.addEventListener('abort', close, { once: true });
    try {
      const rested = await drive(run, { store, rules, perform: performLogged, changed, now, drained: left });
      const { state } = await leaveTrio(rested, changed);
      close();
      if (state.phase === 'completed') await collectLeftovers(store, spec.name, state);
      return undefined;
    } catch (error) {
      if (isPause(error)) return undefined;
      if (!closed()) ports.failed(spec.name, error);
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      close();
      abandoned.removeEventListener('abort', close);
    }
  }

  /** A run that has come to rest since it has to leave its trio is queued. */
  async function leaveTrio(rested: SavedRun, changed: (run: SavedRun) => void): Promise<SavedRun> {
    const by = displacementIn(drained.reason);
    if (!by || abandoned.aborted || !duty(rested.state)) return rested;
    const state = advance(rested.state, { kind: 'displaced', by }, rules);
    const queued = await saveRun(store, rested, { state, at: now() });
    changed(queued);
    return queued;
  }

  /** A store that stays away while a drained run waits for it ends the drive, not the run. */
  function isPause(failure: unknown): boolean {
    return drained.aborted && failure === drained.reason;
  }

  return {
    runId: spec.name,
    view: reporter.view,
    waits: (on, reason) => reporter.waits('orchestrator', on, reason),
    incident: ({ role, reason, message }) => {
      const { stage } = reporter.view().state;
      reporter.emit({ kind: 'trio-incident', role, stage, reason, message });
    },
    over: reporter.closed,
    done: driveToEnd(),
  };
}
