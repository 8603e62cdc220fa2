import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Placement } from '@trikd/core/run/placement';
import type { RunEvent, Stall } from '@trikd/core/run/run-event';
import type { RunView } from '@trikd/core/run/run-view';
import { type AnchorMove, type PairRef, type RunState, resumePair, type StageResult } from '@trikd/core/run/state';
import { deleteRun } from '@trikd/core/run/stored/collector';
import { createRun, type NewRun, type SavedRun, saveRun } from '@trikd/core/run/stored/run-store';
import type { Steering } from '@trikd/core/run/verbs';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { isSampled, seedOf, traceIdOf } from '@trikd/core/timing/trace-ids';
import type { Logger } from '@trikd/process/logging';
import type { RunIndex } from '../leadership/run-index.js';
import type { Incident } from '../placement/placement.js';

/** The request that a change of a run does. */
interface RunRequest {
  readonly kind: Steering['kind'] | 'created';
  readonly id?: string | undefined;
}

/** Logs the life of runs: a line for each change, with a constant message, and with the run, stage and attempt as fields. */
export interface RunLog {
  readonly created: (run: SavedRun, requestId: string | undefined) => void;
  readonly saved: (before: SavedRun, after: SavedRun, request?: RunRequest) => void;
  readonly deleted: (runId: string, requestId: string | undefined) => void;
  readonly attemptLost: (run: Logged, failure: unknown) => void;
  readonly stalls: (run: Logged, before: readonly Stall[], after: readonly Stall[]) => void;
  readonly incident: (run: Logged, incident: Incident) => void;
  readonly alarm: (run: Logged, alarm: RunEvent & { readonly kind: 'alarm' }, everySteps: number) => void;
}

type Logged = Pick<RunView, 'spec' | 'state' | 'times'>;

export function createRunLog(log: Pick<Logger, 'info'>): RunLog {
  return {
    created: (run, requestId) => log.info({ ...placeOf(run), requestId }, 'run created'),
    deleted: (runId, requestId) => log.info({ runId, requestId }, 'run deleted'),
    saved(before, after, request) {
      const place = placeOf(after);
      for (const pair of newPairs(before.state, after.state)) {
        const { step, manifestKey: key } = pair;
        log.info({ ...placeOf(before), step, key, trace_id: traceOf(before, step - 1) }, 'pair committed');
      }
      for (const { stage, steps, promoted } of newResults(before.state, after.state)) {
        log.info({ ...placeOf(before), stage, step: steps, promoted }, 'stage ended');
      }
      for (const { by, to, during } of newMoves(before.state, after.state)) {
        log.info({ ...place, by, to, during }, 'anchor moved');
      }
      const phase = { ...phaseOf(after), ...newTrio(before, after) };
      if (request) log.info({ ...place, ...phase, request: request.kind, requestId: request.id }, 'run steered');
      else if (moved(before, after)) log.info({ ...place, ...phase }, 'phase changed');
    },
    attemptLost(run, failure) {
      const kind = failure instanceof TrikdError ? failure.kind : 'internal';
      const reason = messageOf(failure);
      log.info({ ...placeOf(run), kind, reason }, 'attempt lost');
    },
    stalls(run, before, after) {
      for (const { by, on, reason } of after.filter((stall) => !before.some(sameStall(stall)))) {
        log.info({ ...placeOf(run), by, on, reason }, 'stall began');
      }
      for (const { by, on } of before.filter((stall) => !after.some(sameStall(stall)))) {
        log.info({ ...placeOf(run), by, on }, 'stall ended');
      }
    },
    incident: (run, { role, reason, message }) =>
      log.info({ ...placeOf(run), role, kind: reason, reason: message }, 'trio incident'),
    alarm(run, { participant, step, message }, everySteps) {
      const traced = isSampled({ seed: '', everySteps }, step) ? { trace_id: traceOf(run, step) } : {};
      log.info({ ...placeOf(run), step, ...traced, participant, alarm: message }, 'alarm raised');
    },
  };
}

/** Distinguishes the traces of a run from those of another run of the same name. */
export function traceSeedOf({ spec, times }: Pick<RunView, 'spec' | 'times'>): string {
  return seedOf(spec.name, times.created ?? specDigest(spec));
}

function traceOf(run: Logged, step: number): string | undefined {
  const { stage, attempt } = run.state;
  return step < 0 ? undefined : traceIdOf(traceSeedOf(run), { stage, attempt, step });
}

function placeOf({ spec, state: { stage, attempt } }: Logged) {
  return { runId: spec.name, stage, attempt };
}

function phaseOf({ state, term }: SavedRun) {
  return { phase: state.phase, step: stepOf(state), term, ...reasonOf(state) };
}

function newTrio({ placement: { trio: before } }: SavedRun, { placement: { trio } }: SavedRun) {
  return trio === undefined || trio === before ? {} : { trio };
}

/** Why the run failed, or lost its trio. */
function reasonOf(state: RunState) {
  if (state.phase === 'failed') return { kind: state.kind, reason: state.reason };
  const displaced = state.phase === 'queued' && state.displaced;
  return displaced ? { kind: displaced.why, reason: displaced.message } : {};
}

/** Steps of the current stage that are trained and stored. */
function stepOf(state: RunState): number | undefined {
  if ('outcome' in state && state.outcome) return state.outcome.steps;
  return 'pairs' in state ? (resumePair(state)?.step ?? 0) : undefined;
}

function moved({ state: before }: SavedRun, { state: after }: SavedRun): boolean {
  return before.phase !== after.phase || before.stage !== after.stage || before.attempt !== after.attempt;
}

/** The pair of a stage that has just been trained is that of its outcome. */
function newPairs(before: RunState, after: RunState): readonly PairRef[] {
  if (before.phase !== 'training') return [];
  if (after.phase === 'promoting') return [after.outcome.pair];
  if (!('pairs' in after) || after.stage !== before.stage) return [];
  return after.pairs.filter(({ step }) => step > (before.pairs.at(-1)?.step ?? 0));
}

function newResults(before: RunState, after: RunState): readonly StageResult[] {
  return after.results.slice(before.results.length);
}

function newMoves(before: RunState, after: RunState): readonly AnchorMove[] {
  return after.moves.slice(before.moves.length);
}

function sameStall(one: Stall): (other: Stall) => boolean {
  return (other) => one.by === other.by && one.on === other.on;
}

export interface RunChange {
  readonly state: RunState;
  readonly placement?: Placement;
  /** Of the leader that writes; absent: the term of the run stays. */
  readonly term?: number;
  readonly request?: RunRequest;
}

/** Writes runs. Every change of a run passes here: it gets its time, and a line in the log. */
export interface RunRecords {
  /** @throws TrikdError as `createRun` does */
  create(
    store: ObjectStore,
    spec: RunSpec,
    run?: Omit<NewRun, 'at'>,
  ): Promise<SavedRun & { readonly created: boolean }>;
  /** @throws TrikdError as `saveRun` does */
  save(store: ObjectStore, run: SavedRun, change: RunChange): Promise<SavedRun>;
  /** A change that was saved by the drive of the run. */
  saved(before: SavedRun, after: SavedRun): void;
  /** @throws TrikdError as `deleteRun` does */
  remove(store: ObjectStore, runId: string, term: number, requestId?: string): Promise<void>;
}

/**
 * @param date the time of day
 * @param index gets each run that is written or removed
 * @param changed gets each change
 */
export function createRunRecords(
  log: RunLog,
  date: () => Date,
  index: Pick<RunIndex, 'note' | 'forget'>,
  changed: (before: SavedRun, after: SavedRun) => void = () => undefined,
): RunRecords {
  const now = () => date().toISOString();
  return {
    async create(store, spec, wanted = {}) {
      const run = await createRun(store, spec, { ...wanted, at: now() });
      index.note(run);
      if (run.created) log.created(run, wanted.request);
      return run;
    },
    async save(store, run, { state, placement = run.placement, term = run.term, request }) {
      const id = request?.id === undefined ? {} : { request: request.id };
      const saved = await saveRun(store, run, { state, placement, term, ...id, at: now() });
      index.note(saved);
      log.saved(run, saved, request);
      changed(run, saved);
      return saved;
    },
    saved(before, after) {
      index.note(after);
      log.saved(before, after);
      changed(before, after);
    },
    async remove(store, runId, term, requestId) {
      await deleteRun(store, runId, term);
      index.forget(runId);
      log.deleted(runId, requestId);
    },
  };
}
