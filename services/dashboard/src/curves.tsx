import type { RunHistory } from '@trikd/events/run-history';
import { useMemo, useState } from 'preact/hooks';
import { Chart } from './chart.js';
import { ChartControls, FIRST_LOOK } from './chart-controls.js';
import { Choice } from './choice.js';
import { capital } from './format.js';
import { plotsOf, type StageView } from './series.js';
import { namingOf } from './stages.js';

/** Losses and metrics of all learners, in training and validation. */
export function Curves({ history }: { readonly history: RunHistory }) {
  const [view, setView] = useState<StageView>('sequence');
  const [look, setLook] = useState(FIRST_LOOK);
  const { run, generations } = history;
  const plots = useMemo(
    () => plotsOf(history, view),
    [generations, run?.spec, run?.generation, run?.generations, view],
  );
  const { word, label } = namingOf(run);
  return (
    <section class="panel" aria-labelledby="curves">
      <div class="title">
        <h2 id="curves">Curves</h2>
        <div class="controls">
          {generations.length > 1 && (
            <Choice
              label={`${capital(word)}s`}
              value={String(view)}
              options={[
                ['sequence', 'in sequence'],
                ['overlaid', 'overlaid from step 0'],
                ...generations.map((each) => [String(each.generation), label(each.generation)] as const),
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
