import { ListRunsResponse, type RunSummary, type UnreadableRun } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.js';

/** All runs of the store. */
export interface Listed {
  readonly runs: readonly RunSummary[];
  readonly unreadable: readonly UnreadableRun[];
}

/** Milliseconds between two reads of the list while the page is visible, at least. */
const INTERVAL = 2000;

/** A list that takes long to read is read less often: reading takes at most this share of the time. */
const SHARE = 0.1;

async function listAll(): Promise<Listed> {
  const [runs, unreadable]: [RunSummary[], UnreadableRun[]] = [[], []];
  let pageToken = '';
  do {
    const query = new URLSearchParams({ pageSize: '1000', pageToken, view: 'RUN_LIST_VIEW_SUMMARY' });
    const page = ListRunsResponse.fromJSON(await api('GET', `/runs?${query}`));
    runs.push(...page.summaries);
    unreadable.push(...page.unreadable);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return { runs, unreadable };
}

/** The runs of the store, read again and again; undefined before the first time. */
export function useSummaries(): { readonly listed: Listed | undefined; readonly problem: string } {
  const [listed, setListed] = useState<Listed>();
  const [problem, setProblem] = useState('');
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    const read = async () => {
      const begun = performance.now();
      if (!document.hidden) {
        try {
          const now = await listAll();
          if (left) return;
          setListed(now);
          setProblem('');
        } catch (error) {
          setProblem(error instanceof Error ? error.message : String(error));
        }
      }
      const took = performance.now() - begun;
      if (!left) timer = setTimeout(() => void read(), Math.max(INTERVAL, took / SHARE));
    };
    void read();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, []);
  return { listed, problem };
}
