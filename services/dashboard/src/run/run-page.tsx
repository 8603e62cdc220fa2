import type { LogEntry } from '@trikd/events/log';
import { emptyHistory } from '@trikd/events/run-history';
import { useEffect, useRef, useState } from 'preact/hooks';
import { addressOfList } from '../address.js';
import { Downloads } from '../files/downloads.js';
import { FIRST_STATE, queryOf } from '../list/list-state.js';
import { RunActions, useVerbs } from './actions.js';
import { type Follower, followRun, type LiveRun } from './live-run.js';
import { RunHead } from './run-head.js';
import { RunView } from './run-view.js';
import { TagEditor, Tags } from './tags.js';

const CONNECTION: Readonly<Record<LiveRun['connection'], string>> = {
  connecting: 'connecting…',
  live: 'live',
  lost: 'connection lost, retrying…',
  ended: 'ended',
};

/** The address of the runs with a tag. */
const listOf = (tag: string) => addressOfList(queryOf({ ...FIRST_STATE, tag }));

/** The page of one run, live. */
export function RunPage({ runId }: { readonly runId: string }) {
  const [{ history, connection, problem, tags }, setLive] = useState<LiveRun>({
    history: emptyHistory,
    connection: 'connecting',
  });
  const follower = useRef<Follower | undefined>(undefined);
  useEffect(() => {
    const followed = followRun(runId, setLive);
    follower.current = followed;
    return followed.stop;
  }, [runId]);
  const allowed = useVerbs();
  const maySteer = allowed.includes('steer');
  const refresh = () => follower.current?.refresh();
  const { run } = history;
  if (problem !== undefined) return <Problem runId={runId} problem={problem} />;
  return (
    <>
      <div class="title">
        <h1>{runId}</h1>
        <span class={`connection ${connection}`} data-testid="connection">
          {CONNECTION[connection]}
        </span>
      </div>
      <p class="visually-hidden" role="status">
        {announcement(history.log)}
      </p>
      {run ? (
        <>
          {tags && maySteer && <TagEditor runId={runId} tags={tags} addressOf={listOf} done={refresh} />}
          {tags && !maySteer && <Tags tags={tags} addressOf={listOf} />}
          <RunHead run={run} />
          <RunActions run={run} allowed={allowed} done={refresh} />
          <RunView history={history} {...(maySteer && { done: refresh })} />
          <Downloads history={history} />
        </>
      ) : (
        <p class="empty">Loading the run…</p>
      )}
    </>
  );
}

function Problem({ runId, problem }: { readonly runId: string; readonly problem: string }) {
  return (
    <>
      <h1>{runId}</h1>
      <p class="notice bad" role="alert">
        {problem}
      </p>
      <p>
        <a href="#/">All runs</a>
      </p>
    </>
  );
}

/** The newest event that a screen reader announces; routine events of every epoch are left out. */
function announcement(log: readonly LogEntry[]): string {
  return log.findLast(({ tone, kind }) => tone !== 'plain' || kind === 'phase' || kind === 'result')?.text ?? '';
}
