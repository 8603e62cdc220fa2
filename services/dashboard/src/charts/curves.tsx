import type { RunHistory } from '@trikd/events/run-history';
import { useMemo, useState } from 'preact/hooks';
import { Choice } from '../controls.js';
import { capital } from '../format.js';
import { namingOf } from '../run/stages.js';
import { Chart, type ChartLook } from './chart.js';
import { plotsOf, type StageView } from './series.js';

/** Losses and metrics of all learners, in training and validation. */
export function Curves({ history }: { readonly history: RunHistory }) {
  const [view, setView] = useState<StageView>('sequence');
  const [look, setLook] = useState(FIRST_LOOK);
  const { run, stages } = history;
  const plots = useMemo(() => plotsOf(history, view), [stages, run?.spec, run?.stage, run?.stages, view]);
  const { word, label } = namingOf(run);
  return (
    <section class="panel" aria-labelledby="curves">
      <div class="title">
        <h2 id="curves">Curves</h2>
        <div class="controls">
          {stages.length > 1 && (
            <Choice
              label={`${capital(word)}s`}
              value={String(view)}
              options={[
                ['sequence', 'in sequence'],
                ['overlaid', 'overlaid from step 0'],
                ...stages.map((each) => [String(each.stage), label(each.stage)] as const),
              ]}
              choose={(name) => setView(viewNamed(name))}
            />
          )}
          <ChartControls look={look} change={setLook} smooths />
        </div>
      </div>
      {plots.length === 0 && <p class="empty">No step has been trained yet.</p>}
      {plots.length > 0 && (
        <p class="muted small">Drag over a plot to enlarge a part of it; a double click shows all.</p>
      )}
      <div class="charts">
        {plots.map((plot) => (
          <Chart key={plot.title} plot={plot} word={word} look={look} />
        ))}
      </div>
    </section>
  );
}

function viewNamed(name: string): StageView {
  return name === 'sequence' || name === 'overlaid' ? name : Number(name);
}

/** Weights of the smoothing, by what they are called. */
const SMOOTHING = { none: 0, light: 0.6, strong: 0.9 } as const;

export const FIRST_LOOK: ChartLook = { smoothing: SMOOTHING.light, log: false, whole: false };

interface ChartControlsProps {
  readonly look: ChartLook;
  readonly change: (look: ChartLook) => void;
  /** Whether a plot has lines of batches. */
  readonly smooths: boolean;
}

/** How all plots of a page are drawn. */
export function ChartControls({ look, change, smooths }: ChartControlsProps) {
  return (
    <>
      {smooths && (
        <Choice
          label="Smoothing"
          value={String(look.smoothing)}
          options={Object.entries(SMOOTHING).map(([name, weight]) => [String(weight), name])}
          choose={(weight) => change({ ...look, smoothing: Number(weight) })}
        />
      )}
      <label>
        <input
          type="checkbox"
          checked={look.log}
          onChange={(event) => change({ ...look, log: event.currentTarget.checked })}
        />{' '}
        log scale
      </label>
      <label title="Without it, the first tenth of each stage may lie outside, so that later differences can be seen.">
        <input
          type="checkbox"
          checked={look.whole}
          onChange={(event) => change({ ...look, whole: event.currentTarget.checked })}
        />{' '}
        whole range
      </label>
    </>
  );
}
