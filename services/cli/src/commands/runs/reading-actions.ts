import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { eventsFolder } from '@trikd/core/run/stored/collector';
import type { SavedRun } from '@trikd/core/run/stored/run-store';
import { type ComparedCurves, compareCurves, compareRuns } from '@trikd/events/compare-runs';
import { eventOf, eventsIn } from '@trikd/events/event';
import { emptyHistory, fold, foldAll, type RunHistory, withRun } from '@trikd/events/run-history';
import { fromRun } from '@trikd/protocol/convert-run-view';
import { ConditionStatus, Run, type RunPhase, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { RUN_PHASES } from '@trikd/protocol/run-phases';
import { unary } from '@trikd/transport/grpc/clients';
import { pastEvents } from '../../export-events/past-events.js';
import { type StoredRuns, storedRunIn } from '../../run/run-places.js';
import type { Asking } from '../../server/ask.js';
import { withErrorReport } from '../../server/error-report.js';
import { runJson } from '../../terminal/json-messages.js';
import { paintFor } from '../../terminal/paint.js';
import { print, type Shell } from '../../terminal/shell.js';
import { formatted } from '../../terminal/texts.js';
import { chosenRuns } from './choose-runs.js';
import type { CompareOptions, GetOptions, ListOptions, RunsActions } from './command.js';
import { comparisonCsv, comparisonText } from './compare-text.js';
import { runText } from './get.js';
import { allRuns, listCsv, listedRun, listJson, listText, type RunList } from './list.js';
import { askSource, type RunSource } from './run-source.js';

/** The commands that read runs, at an orchestrator or in their stores. */
export function readingActions(
  shell: Shell,
  finish: (status: number) => void,
): Pick<RunsActions, 'list' | 'get' | 'compare'> {
  const report = (source: RunSource, runId: string | undefined, work: () => Promise<void>) =>
    withErrorReport(shell, finish, { ...(runId !== undefined && { runId }), offline: source.place === 'store' }, work);
  return {
    list: (options) => report(options.source, undefined, () => list(options, shell)),
    get: (options) => report(options.source, options.runId, () => get(options, shell)),
    compare: (options) => report(options.source, undefined, () => compare(options, shell)),
  };
}

async function list({ source, phases, filters, order, output }: ListOptions, shell: Shell): Promise<void> {
  const wanted = phases.map((name) => RUN_PHASES[name]);
  const { runs: found, unreadable } = await askSource(source, shell, {
    atServer: (asking) => allRuns(asking, wanted),
    inStore: (runs) => allStored(runs, wanted),
  });
  const runs = chosenRuns(found.map(listedRun), filters, order);
  const style = { now: new Date(), paint: paintFor(shell.stdout), wide: output === 'wide' };
  if (output === 'csv') print(shell, listCsv(runs));
  else if (output === 'table' || output === 'wide') print(shell, listText({ runs, unreadable }, style));
  else print(shell, formatted(listJson({ runs: runs.map(({ run }) => run), unreadable }), output));
}

async function get({ source, runId, output }: GetOptions, shell: Shell): Promise<void> {
  const run = await askSource(source, shell, {
    atServer: (asking) => getRun(asking, runId),
    inStore: async (runs) => storedMessage(await storedRunIn(runs, runId)),
  });
  const text = () => runText(run, new Date(), paintFor(shell.stdout));
  print(shell, output === 'table' ? text() : formatted(Object(Run.toJSON(run)), output));
}

async function compare({ source, runIds, specOnly, output }: CompareOptions, shell: Shell): Promise<void> {
  const withCurves = !specOnly && (output === 'json' || output === 'yaml');
  const histories: RunHistory[] = [];
  // One at a time: the events of many runs need not fit into memory together.
  for (const runId of runIds) histories.push(await historyOf(source, runId, withCurves, shell));
  const comparison = compareRuns(histories.flatMap(({ run }) => run ?? []));
  if (output === 'table') return print(shell, comparisonText(comparison, specOnly, paintFor(shell.stdout)));
  if (output === 'csv') return print(shell, comparisonCsv(comparison, specOnly));
  const { runs, differences } = comparison;
  const names = runs.map(({ runId }) => runId);
  const results = { runs, differences, curves: compareCurves(histories).map(namedCurves) };
  print(shell, formatted(specOnly ? { runs: names, differences } : results, output));
}

/** A run, and where curves are wanted its events, which its spec does not need. */
function historyOf(source: RunSource, runId: string, withCurves: boolean, shell: Shell): Promise<RunHistory> {
  return askSource(source, shell, {
    atServer: async (asking) => {
      const run = runJson(await getRun(asking, runId));
      return withRun(withCurves ? await pastHistory(asking, runId) : emptyHistory, run);
    },
    inStore: async (runs) => {
      const saved = await storedRunIn(runs, runId);
      const history = withCurves ? await storedHistory(saved.store, runId) : emptyHistory;
      return { ...history, run: runJson(storedMessage(saved)) };
    },
  });
}

async function pastHistory(asking: Asking, runId: string): Promise<RunHistory> {
  let history = emptyHistory;
  for await (const event of pastEvents(asking, runId)) history = fold(history, eventOf(WatchRunResponse.toJSON(event)));
  return history;
}

function namedCurves({ metric, steps, series }: ComparedCurves): object {
  return { metric: metric.name, steps, series };
}

/** The state of a run at its orchestrator. */
export async function getRun({ client, how }: Asking, runId: string): Promise<Run> {
  const { run } = await unary(client.getRun.bind(client), { runId }, how);
  if (!run) throw new TrikdError('invalid', `${how.what} answered without a run`);
  return run;
}

/** The message of a run, as its orchestrator left it: without conditions that only the orchestrator knows that drives it. */
function storedMessage(saved: SavedRun): Run {
  const run = fromRun(saved);
  return {
    ...run,
    conditions: run.conditions.filter(({ status }) => status !== ConditionStatus.CONDITION_STATUS_UNKNOWN),
  };
}

/** All runs that are stored. @param phases empty: all */
async function allStored(runs: StoredRuns, phases: readonly RunPhase[]): Promise<RunList> {
  const list = { runs: [] as Run[], unreadable: [] as { runId: string; reason: string }[] };
  for (const runId of await runs.names()) {
    try {
      const run = storedMessage(await storedRunIn(runs, runId));
      if (phases.length === 0 || phases.includes(run.phase)) list.runs.push(run);
    } catch (error) {
      if (!(error instanceof TrikdError) || error.kind === 'unavailable') throw error;
      // One that was deleted meanwhile is none.
      if (error.kind !== 'not-found') list.unreadable.push({ runId, reason: error.message });
    }
  }
  return list;
}

/** The events of a run that its orchestrator has left in the store, folded. */
async function storedHistory(store: ObjectStore, runId: string): Promise<RunHistory> {
  let history = emptyHistory;
  for (const key of await store.list(eventsFolder(runId))) {
    const page = await store.get(key);
    if (page) history = foldAll(eventsIn(Buffer.from(page.bytes).toString()), history);
  }
  return history;
}
