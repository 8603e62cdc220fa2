import { compareRuns } from '@trikd/events/compare-runs';
import { primaryText } from '@trikd/events/names';
import type { RunHistory } from '@trikd/events/run-history';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { useMemo, useState } from 'preact/hooks';
import { addressOf, addressOfComparison, addressOfList } from '../address.js';
import { Chart } from '../charts/chart.js';
import { ChartControls, FIRST_LOOK } from '../charts/curves.js';
import { Choice, Phase } from '../controls.js';
import { capital } from '../format.js';
import { FIRST_STATE, MOST_COMPARED, queryOf } from '../list/list-state.js';
import { becameText, lineageOf } from '../run/lineage-of.js';
import { namingOf } from '../run/stages.js';
import { ComparedScores, ComparedSettings } from './compared-scores.js';
import { type ColourOf, colourOfRun, comparedPlots, learnersIn } from './comparison-of.js';
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

interface ComparedCurvesProps {
  readonly histories: readonly RunHistory[];
  readonly colourOf: ColourOf;
}

/** The validation curves of runs over each other. */
function ComparedCurves({ histories, colourOf }: ComparedCurvesProps) {
  const [chosen, setChosen] = useState<string>();
  const [look, setLook] = useState(FIRST_LOOK);
  const learners = learnersIn(histories);
  const shown =
    chosen === undefined ? learners.slice(0, 1) : learners.filter((each) => chosen === '' || chosen === each);
  const versions = histories.map(({ run, lastEvent }) => `${run?.runId} ${lastEvent}`).join();
  const plots = useMemo(() => comparedPlots(histories, shown, colourOf), [versions, shown.join()]);
  return (
    <section class="panel" aria-labelledby="curves">
      <div class="title">
        <h2 id="curves">Validation curves</h2>
        <div class="controls">
          {learners.length > 1 && (
            <Choice
              label="Learner"
              value={chosen ?? learners[0] ?? ''}
              options={[...learners.map((name) => [name, name] as const), ['', 'all']]}
              choose={setChosen}
            />
          )}
          <ChartControls look={look} change={setLook} smooths={false} />
        </div>
      </div>
      {plots.length === 0 && <p class="empty">None of these runs was validated yet.</p>}
      <div class="charts">
        {plots.map((plot) => (
          <Chart key={plot.title} plot={plot} word="value" look={look} />
        ))}
      </div>
    </section>
  );
}

interface ComparedLineageProps {
  readonly histories: readonly RunHistory[];
  readonly colourOf: ColourOf;
}

/** The stages of each run, side by side. */
function ComparedLineage({ histories, colourOf }: ComparedLineageProps) {
  return (
    <section class="panel" aria-labelledby="lineages">
      <h2 id="lineages">Stages</h2>
      <div class="lineages">
        {histories.map(
          (history) =>
            history.run && (
              <RunStages
                key={history.run.runId}
                history={history}
                run={history.run}
                colour={colourOf(history.run.runId)}
              />
            ),
        )}
      </div>
    </section>
  );
}

interface RunStagesProps {
  readonly history: RunHistory;
  readonly run: Run;
  readonly colour: string;
}

function RunStages({ history, run, colour }: RunStagesProps) {
  const { title } = namingOf(run);
  const lineage = lineageOf(run, history.stages);
  return (
    <section class="run-stages" aria-label={run.runId}>
      <h3>
        <span class={`swatch ${colour}`} aria-hidden="true" /> <a href={addressOf(run.runId)}>{run.runId}</a>
      </h3>
      {lineage.length === 0 && <p class="empty">No stage has begun.</p>}
      <ol>
        {lineage.map(({ stage, learners, validation, test, became, isAnchor, isBest, state }) => (
          <li key={stage} class={isBest ? 'is-best' : ''}>
            <p>
              <strong>{capital(title(stage))}</strong>
              {isBest && <span class="mark best">result</span>}
              {became && <span class="mark">{becameText(became)}</span>}
              {isAnchor && <span class="mark anchor">the anchor</span>}
              {state === 'current' && <span class="mark">current</span>}
            </p>
            <dl>
              {learners.map((name) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd class="number">{primaryText(validation[name]?.metrics) ?? '–'}</dd>
                  <dd class="number muted">{primaryText(test[name]?.metrics) ?? '–'}</dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ol>
    </section>
  );
}
