import type { ComparedRun, RunComparison } from '@trikd/events/compare-runs';
import { metricText } from '@trikd/events/names';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { useMemo, useState } from 'preact/hooks';
import { addressOf } from '../address.js';
import { Scroll } from '../controls.js';
import { bytes, count, duration } from '../format.js';
import { bestRuns, type ColourOf } from './comparison-of.js';
import { settingRows } from './setting-rows.js';

interface ComparedScoresProps {
  readonly comparison: RunComparison;
  readonly colourOf: ColourOf;
}

const SPLITS = ['validation', 'test'] as const;

/** The scores of the results of runs; the best value of each column stands out. */
export function ComparedScores({ comparison: { runs, metrics }, colourOf }: ComparedScoresProps) {
  const columns = SPLITS.flatMap((split) =>
    metrics.map((metric) => ({ split, metric, best: bestRuns(runs, metric, split) })),
  );
  const measured = columns.filter(({ metric, split }) =>
    runs.some((run) => scoreOf(run, metric.name, split) !== undefined),
  );
  return (
    <section class="panel" aria-labelledby="scores">
      <h2 id="scores">Scores</h2>
      <Scroll label="scores">
        <table class="scores">
          <caption class="visually-hidden">The result of each run</caption>
          <thead>
            <tr>
              <td />
              {SPLITS.map((split) => {
                const span = measured.filter((each) => each.split === split).length;
                return (
                  span > 0 && (
                    <th key={split} scope="colgroup" colSpan={span} class="group">
                      {split}
                    </th>
                  )
                );
              })}
              <td colSpan={6} />
            </tr>
            <tr>
              <th scope="col">Run</th>
              {measured.map(({ split, metric }) => (
                <th key={`${split} ${metric.name}`} scope="col" class="number">
                  {metric.label}
                </th>
              ))}
              <th scope="col">Result</th>
              <th scope="col">Method</th>
              <th scope="col" class="number">
                Seed
              </th>
              <th scope="col" class="number">
                Steps
              </th>
              <th scope="col" class="number">
                Duration
              </th>
              <th scope="col" class="number">
                Size
              </th>
            </tr>
          </thead>
          <tbody>
            {runs.map((run) => (
              <tr key={run.runId} data-run={run.runId}>
                <th scope="row">
                  <span class={`swatch ${colourOf(run.runId)}`} aria-hidden="true" />
                  <a href={addressOf(run.runId)}>{run.runId}</a>
                </th>
                {measured.map(({ split, metric, best }) => {
                  const value = scoreOf(run, metric.name, split);
                  const isBest = best.includes(run.runId);
                  return (
                    <td key={`${split} ${metric.name}`} class={`number ${isBest ? 'best' : ''}`}>
                      {value === undefined ? '–' : metricText(metric, value)}
                      {isBest && <span class="visually-hidden"> (best)</span>}
                    </td>
                  );
                })}
                <td>{run.result ? `${run.result.learner}, ${run.result.stage}` : '–'}</td>
                <td>{run.method ?? '–'}</td>
                <td class="number">{run.seed ?? '–'}</td>
                <td class="number">{count(run.steps)}</td>
                <td class="number">{run.seconds === undefined ? '–' : duration(run.seconds)}</td>
                <td class="number">{run.result && run.result.bytes > 0 ? bytes(run.result.bytes) : '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

function scoreOf({ result }: ComparedRun, metric: string, split: 'validation' | 'test'): number | undefined {
  return result?.[split]?.[metric];
}

interface ComparedSettingsProps {
  readonly runs: readonly Run[];
  readonly colourOf: ColourOf;
}

/** The settings in which runs differ, or all of them. */
export function ComparedSettings({ runs, colourOf }: ComparedSettingsProps) {
  const [all, setAll] = useState(false);
  const specs = runs.map(({ spec }) => spec);
  const rows = useMemo(() => settingRows(specs), [specs.join('\n')]);
  const shown = rows.filter(({ differs }) => all || differs);
  return (
    <section class="panel" aria-labelledby="settings">
      <div class="title">
        <h2 id="settings">{all ? 'All settings' : 'Different settings'}</h2>
        <label>
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} /> all settings
        </label>
      </div>
      {shown.length === 0 && <p class="empty">The runs have the same settings.</p>}
      {shown.length > 0 && (
        <Scroll label="settings">
          <table class="settings">
            <caption class="visually-hidden">Settings of each run</caption>
            <thead>
              <tr>
                <th scope="col">Setting</th>
                {runs.map(({ runId }) => (
                  <th key={runId} scope="col">
                    <span class={`swatch ${colourOf(runId)}`} aria-hidden="true" /> {runId}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map(({ path, values, differs }) => (
                <tr key={path} class={all && differs ? 'chosen' : ''}>
                  <th scope="row">
                    <code>{path}</code>
                  </th>
                  {values.map((value, index) => (
                    <td key={runs[index]?.runId}>{value ?? '–'}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
}
