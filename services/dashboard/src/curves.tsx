import type { RunHistory } from '@trikd/events/run-history';
import { useId, useMemo, useState } from 'preact/hooks';
import { Chart } from './chart.js';
import { plotsOf } from './series.js';

/** Losses and metrics of both roles, in training and validation. */
export function Curves({ history }: { readonly history: RunHistory }) {
  const [chosen, setChosen] = useState('');
  const id = useId();
  const generation = chosen === '' ? undefined : Number(chosen);
  const plots = useMemo(() => plotsOf(history, generation), [history.generations, history.run?.spec, generation]);
  return (
    <section class="panel" aria-labelledby="curves">
      <div class="title">
        <h2 id="curves">Curves</h2>
        {history.generations.length > 1 && (
          <label for={id}>
            <span class="muted">Generation</span>{' '}
            <select id={id} value={chosen} onChange={(event) => setChosen(event.currentTarget.value)}>
              <option value="">all</option>
              {history.generations.map((each) => (
                <option key={each.generation} value={String(each.generation)}>
                  {each.generation}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      {plots.length === 0 && <p class="empty">No step has been trained yet.</p>}
      <div class="charts">
        {plots.map((plot) => (
          <Chart key={plot.title} plot={plot} />
        ))}
      </div>
    </section>
  );
}
