import { eventsIn } from '@trikd/events/event';
import { hasEnded } from '@trikd/events/names';
import { emptyHistory, foldAll, type RunHistory, withRun } from '@trikd/events/run-history';
import { GetRunResponse } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { useEffect, useState } from 'preact/hooks';
import { api, textOf } from '../api.js';

/** One of several runs that a page shows. */
export interface ReadRun {
  readonly runId: string;
  /** Absent until it was read. */
  readonly history?: RunHistory;
  /** Why it was not read; absent otherwise. */
  readonly problem?: string;
}

/** Newest events of a run that are read, at least, for its curves. */
const EVENTS = 20_000;

/** Milliseconds between two reads of a run that has not ended. */
const INTERVAL = 5000;

/** Reads runs with their histories, and those that have not ended again and again. In the order of their names. */
export function useRuns(runIds: readonly string[]): readonly ReadRun[] {
  const [read, setRead] = useState<ReadonlyMap<string, ReadRun>>(new Map());
  const wanted = runIds.join();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    const known = new Map<string, ReadRun>();
    const readAll = async () => {
      for (const runId of runIds) {
        if (left) return;
        const before = known.get(runId)?.history?.run;
        if (before && (hasEnded(before.phase) || document.hidden)) continue;
        known.set(runId, await readRun(runId, known.get(runId)));
        if (!left) setRead(new Map(known));
      }
      if (!left) timer = setTimeout(() => void readAll(), INTERVAL);
    };
    void readAll();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [wanted]);
  return runIds.map((runId) => read.get(runId) ?? { runId });
}

async function readRun(runId: string, before: ReadRun | undefined): Promise<ReadRun> {
  const path = `/runs/${encodeURIComponent(runId)}`;
  try {
    const { run } = GetRunResponse.fromJSON(await api('GET', path));
    if (!run) return { runId, problem: 'the answer has no run' };
    if (run.updateTime !== undefined && run.updateTime === before?.history?.run?.updateTime) return before;
    const events = eventsIn(await textOf(`${path}/history?newest=${EVENTS}`));
    return { runId, history: withRun(foldAll(events, emptyHistory), run) };
  } catch (error) {
    return { ...before, runId, problem: error instanceof Error ? error.message : String(error) };
  }
}
