import { primaryText } from '@trikd/events/metric-text';
import { methodIn } from '@trikd/events/spec-text';
import { ListRunsResponse, type Run, type UnreadableRun } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { useEffect, useState } from 'preact/hooks';
import { addressOf } from './address.js';
import { api } from './api.js';
import { moment } from './format.js';
import { bestIn } from './lineage-of.js';
import { Phase, Progress } from './marks.js';
import { QueueTable } from './queue-table.js';
import { Scroll } from './scroll.js';
import { namingOf } from './stages.js';
import { StartRun } from './start-run.js';

interface Listed {
  readonly runs: readonly Run[];
  readonly unreadable: readonly UnreadableRun[];
}

/** Milliseconds between two reads of the list while the page is visible. */
const LOOK = 2000;

async function listAll(): Promise<Listed> {
  const [runs, unreadable]: [Run[], UnreadableRun[]] = [[], []];
  let pageToken = '';
  do {
    const query = new URLSearchParams({ pageSize: '200', pageToken });
    const page = ListRunsResponse.fromJSON(await api('GET', `/runs?${query}`));
    runs.push(...page.runs);
    unreadable.push(...page.unreadable);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return { runs, unreadable };
}

/** The runs of the store, and a form to start a run. */
export function RunsPage() {
  const [listed, setListed] = useState<Listed>();
  const [problem, setProblem] = useState('');
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    const look = async () => {
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
      if (!left) timer = setTimeout(() => void look(), LOOK);
    };
    void look();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, []);
  return (
    <>
      <h1>Runs</h1>
      {problem !== '' && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
      {listed && <QueueTable runs={listed.runs} />}
      {listed && listed.runs.length > 0 && <RunsTable runs={listed.runs} />}
      {listed && listed.runs.length === 0 && <p class="empty">No runs yet.</p>}
      {listed?.unreadable.map(({ runId, reason }) => (
        <p key={runId} class="notice bad">
          Run {runId} cannot be read: {reason}
        </p>
      ))}
      {listed && <StartRun open={listed.runs.length === 0} />}
    </>
  );
}

function RunsTable({ runs }: { readonly runs: readonly Run[] }) {
  return (
    <Scroll label="runs">
      <table class="runs">
        <caption class="visually-hidden">Runs, sorted by name</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Phase</th>
            <th scope="col">Progress</th>
            <th scope="col">Method</th>
            <th scope="col">Stage</th>
            <th scope="col" class="number">
              Result
            </th>
            <th scope="col">Changed</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.runId}>
              <th scope="row">
                <a href={addressOf(run.runId)}>{run.runId}</a>
              </th>
              <td>
                <Phase phase={run.phase} />
              </td>
              <td>
                <Progress percent={run.progress?.percent} label={`progress of ${run.runId}`} />
              </td>
              <td>{methodIn(run.spec) ?? '–'}</td>
              <td>{namingOf(run).name(run.generation)}</td>
              <td class="number">{resultOf(run)}</td>
              <td>{moment(run.updateTime)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** The score of the learner that is the result so far: the best student, or the learner that decides in the last stage. */
function resultOf(run: Run): string {
  const best = run.generations.find(({ generation }) => generation === bestIn(run));
  const decisive = run.stage?.decisive ?? 'student';
  const result = best?.learners.find(({ participant }) => participant === decisive);
  const score = primaryText(result?.best?.validation?.metrics);
  if (score === undefined) return '–';
  return decisive === 'student' ? score : `${decisive} ${score}`;
}
