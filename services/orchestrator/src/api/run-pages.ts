import { listRuns, runsIn } from '@trikd/core/run/run-store';
import type { RunView } from '@trikd/core/run/run-view';
import { taggedIn } from '@trikd/core/run/tags';
import { createRunSummaries, type ListedRun, type SummaryPorts } from '../runs/run-summaries.js';
import { type PageWanted, pageOfRuns, type RunPage } from './list-runs.js';

/** The runs of a store, a page at a time. */
export interface RunPages {
  list(wanted: PageWanted): Promise<RunPage<RunView>>;
  /** The summaries of runs. For each run it reads one object that is small, and its tags if it has any. */
  summaries(wanted: PageWanted): Promise<RunPage<ListedRun>>;
}

export function createRunPages(ports: SummaryPorts): RunPages {
  const { store, find } = ports;
  const whole = { find, phaseOf: ({ state }: RunView) => state.phase, sizeOf: sizeOfView };
  const summaries = createRunSummaries(ports);
  return {
    list: async (wanted) => pageOfRuns(await listRuns(store), wanted, whole),
    summaries: async (wanted) => {
      const keys = await store.list('runs/');
      const tagged = taggedIn(keys);
      const read = (runId: string) => summaries.read(runId, tagged.has(runId));
      return pageOfRuns(runsIn(keys), wanted, { find: read, ...IN_SHORT });
    },
  };
}

/** What decides whether a summary is on a page, and how many fit on it. */
const IN_SHORT = {
  phaseOf: ({ phase }: ListedRun) => phase,
  sizeOf: (run: ListedRun) => JSON.stringify(run).length,
};

function sizeOfView({ spec, state }: RunView): number {
  return JSON.stringify([spec, state]).length;
}
