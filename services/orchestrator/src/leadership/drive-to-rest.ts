import type { Clock } from '@trikd/core/async/clock';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { advance, duty } from '@trikd/core/run/advance';
import type { RunEvent } from '@trikd/core/run/run-event';
import { drainedEvent } from '@trikd/core/run/run-view';
import { type Displacement, hasEnded } from '@trikd/core/run/state';
import type { SavedRun } from '@trikd/core/run/stored/run-store';
import { type DrivenRun, type DrivenRunPorts, driveRun } from '../runs/driven-run.js';
import type { RunRecords } from '../runs/run-log.js';
import { type RunLimits, type RunServices, rulesOf } from '../runs/run-services.js';
import { type SalvagePorts, salvage } from '../runs/training/commit-pair.js';
import type { TrioWatch } from '../runs/trio-watch.js';

export interface DriveToRestPorts extends TakeOverPorts, DrivenRunPorts {
  readonly times: TakeOverPorts['times'] & DrivenRunPorts['times'];
  /** The store, with operations that are retried while it is away, until the signal aborts. `trouble` gets the reason, then undefined. */
  retrying(signal: AbortSignal, trouble: (reason: string | undefined) => void): ObjectStore;
}

/** What ends the drive of a run before the run ends. */
export interface DriveSignals {
  /** The process is about to end: the run rests at a committed pair, for another leader to continue. */
  readonly drained: AbortSignal;
  /** The run is to rest at a committed pair; the process goes on. */
  readonly stop: AbortSignal;
  /** Another orchestrator leads: the run is left as it is. */
  readonly lost: AbortSignal;
}

/** The trio that a run is driven on. */
export interface TrioInUse {
  readonly name: string;
  readonly watch: TrioWatch;
  /** The run has to leave it: aborts `stop`. */
  displace(by: Displacement): void;
  /** See `Placement`. */
  readonly restores: boolean;
  /** Whether the run could have another trio at once. */
  hasAlternative(): Promise<boolean>;
}

/**
 * Takes a run over and drives it until it ends, rests, leaves its trio, or belongs to another orchestrator.
 * @param takenOver gets the drive as soon as the run is this leader's
 * @throws TrikdError as `takeOver` does
 */
export async function driveToRest(
  run: SavedRun,
  term: number,
  ports: DriveToRestPorts,
  services: RunServices,
  { drained, stop, lost }: DriveSignals,
  trio: TrioInUse,
  takenOver: (drive: DrivenRun) => void,
): Promise<void> {
  const runId = run.spec.name;
  const { broadcasts, counters, records, log } = services;
  const { clock, times } = ports;
  const broadcast = await broadcasts.open(run, term);
  const resting = AbortSignal.any([drained, stop]);
  // A run that comes to rest may still save where; it must not wait for ever for a store that is away.
  const over = new AbortController();
  const overdue = abortedAfter(resting, times.drain, clock, over.signal);
  let drive: DrivenRun | undefined;
  const store = ports.retrying(AbortSignal.any([lost, overdue]), (reason) => drive?.waits('store', reason));
  const emit = (event: RunEvent) => {
    counters.count(runId, event);
    broadcast.emit(event);
  };
  try {
    const taken = await takeOver(records, store, run, term, trio.name, ports);
    counters.begin(runId);
    const scope = { store, records, log, drained: resting, abandoned: lost, emit };
    const { watch, displace, restores, hasAlternative } = trio;
    drive = driveRun(taken, ports, { ...scope, trio: watch, displace, restores, hasAlternative });
    takenOver(drive);
    const failure = await drive.done;
    const { state } = drive.view();
    if (failure) return await broadcasts.end(runId, failure);
    if (drained.aborted && duty(state)) broadcast.emit(drainedEvent(state));
    // The place of a run in the queue is no event: who follows a queued run looks at it again and again.
    if (drained.aborted || hasEnded(state) || state.phase === 'queued') await broadcasts.end(runId);
  } finally {
    over.abort();
  }
}

/** Aborts, with the reason of another signal, so many seconds after that, unless `over` aborts before. */
function abortedAfter(
  signal: AbortSignal,
  seconds: number,
  clock: Pick<Clock, 'sleep'>,
  over: AbortSignal,
): AbortSignal {
  const late = new AbortController();
  const begin = () => {
    clock.sleep(1000 * seconds, over).then(
      () => late.abort(signal.reason),
      () => undefined,
    );
  };
  if (signal.aborted) begin();
  // A composite signal keeps its listeners for as long as its sources live.
  else signal.addEventListener('abort', begin, { once: true, signal: over });
  return late.signal;
}

interface TakeOverPorts extends RunLimits, SalvagePorts {}

/**
 * Makes a run that has a trio this leader's. A queued run is placed. Of another, what its trainers have stored since the leader before
 * was heard of is committed, and a new attempt begins, which fences out all processes of the one before.
 * @param trio name of the trio
 * @throws TrikdError `out-of-step` when another orchestrator has written the run meanwhile, `wrong-state` when it cannot go on
 */
async function takeOver(
  records: RunRecords,
  store: ObjectStore,
  run: SavedRun,
  term: number,
  trio: string,
  ports: TakeOverPorts,
): Promise<SavedRun> {
  const { spec, state } = run;
  const rules = rulesOf(spec, ports);
  if (state.phase === 'queued') {
    const placement = { ...run.placement, trio };
    return records.save(store, run, { state: advance(state, { kind: 'placed' }, rules), placement, term });
  }
  const saved = state.phase === 'training' ? await salvage(store, spec, state, ports) : undefined;
  const salvaged = saved ? advance(state, saved, rules) : state;
  return records.save(store, run, { state: advance(salvaged, { kind: 'taken-over' }, rules), term });
}
