import { compareRuns } from '@trikd/events/compare-runs';
import type { RunHistory } from '@trikd/events/run-history';
import { addressOf, addressOfComparison, addressOfList } from './address.js';
import { ComparedCurves } from './compared-curves.js';
import { ComparedLineage } from './compared-lineage.js';
import { ComparedScores } from './compared-scores.js';
import { ComparedSettings } from './compared-settings.js';
import { type ColourOf, colourOfRun } from './comparison-of.js';
import { FIRST_STATE, MOST_COMPARED, queryOf } from './list-state.js';
import { Phase } from './marks.js';
import { type ReadRun, useRuns } from './read-runs.js';

/** Runs beside each other: their scores, curves, settings and stages. @param props.runIds in the order of the address */
export function ComparisonPage({ runIds }: { readonly runIds: readonly string[] }) {
  const wanted = runIds.slice(0, MOST_COMPARED);
  const read = useRuns(wanted);
  const histories = read.flatMap(({ history }) => (history?.run ? [history] : []));
  const select = addressOfList(queryOf({ ...FIRST_STATE, selected: wanted }));
  return (
    <>
      <div class="title">
        <h1>Comparison</h1>
        <a href={select}>Change the selection</a>
      </div>
      {runIds.length > MOST_COMPARED && (
        <p class="notice warning">
          The first {MOST_COMPARED} of {runIds.length} runs are compared.
        </p>
      )}
      {wanted.length < 2 && <p class="empty">Select at least two runs in the list.</p>}
      {wanted.length > 1 && <Compared read={read} histories={histories} />}
    </>
  );
}

interface ComparedProps {
  readonly read: readonly ReadRun[];
  /** Of those that were read, in their order. */
  readonly histories: readonly RunHistory[];
}

function Compared({ read, histories }: ComparedProps) {
  const runIds = read.map(({ runId }) => runId);
  const isReading = read.some(({ history, problem }) => !history && problem === undefined);
  // The place of a run decides its colour in all parts of the page.
  const colours = new Map(runIds.map((runId, index) => [runId, colourOfRun(index)]));
  const colourOf = (runId: string) => colours.get(runId) ?? colourOfRun(0);
  return (
    <>
      <ul class="compared" aria-label="Compared runs">
        {read.map(({ runId, history, problem }) => (
          <li key={runId}>
            <span class={`swatch ${colourOf(runId)}`} aria-hidden="true" />
            <a href={addressOf(runId)}>{runId}</a>
            {history?.run && <Phase phase={history.run.phase} />}
            {problem !== undefined && <span class="bad">{problem}</span>}
            <a
              class="remove"
              aria-label={`Leave ${runId} out`}
              href={addressOfComparison(runIds.filter((each) => each !== runId))}
            >
              ×
            </a>
          </li>
        ))}
      </ul>
      {isReading && (
        <p class="empty" role="status">
          Reading the runs…
        </p>
      )}
      {histories.length > 0 && <Sections histories={histories} colourOf={colourOf} />}
    </>
  );
}

/** The parts of a comparison. */
function Sections({ histories, colourOf }: Pick<ComparedProps, 'histories'> & { readonly colourOf: ColourOf }) {
  const runs = histories.flatMap(({ run }) => (run ? [run] : []));
  return (
    <>
      <ComparedScores comparison={compareRuns(runs)} colourOf={colourOf} />
      <ComparedCurves histories={histories} colourOf={colourOf} />
      <ComparedSettings runs={runs} colourOf={colourOf} />
      <ComparedLineage histories={histories} colourOf={colourOf} />
    </>
  );
}
