import type { RunHistory } from '@trikd/events/run-history';
import { useId, useMemo, useState } from 'preact/hooks';
import { Chart } from './chart.js';
import { coloursIn } from './colours.js';
import { capital } from './format.js';
import { plotsOf } from './series.js';
import { namingOf } from './stages.js';

/** Losses and metrics of all learners, in training and validation. */
export function Curves({ history }: { readonly history: RunHistory }) {
  const [chosen, setChosen] = useState('');
  const id = useId();
  const generation = chosen === '' ? undefined : Number(chosen);
  const { run, generations } = history;
  const plots = useMemo(
    () => plotsOf(history, generation),
    [generations, run?.spec, run?.generation, run?.generations, generation],
  );
  const { word, label } = namingOf(run);
  const colourOf = coloursIn(run);
  return (
    <section class="panel" aria-labelledby="curves">
      <div class="title">
        <h2 id="curves">Curves</h2>
        {generations.length > 1 && (
          <label for={id}>
            <span class="muted">{capital(word)}</span>{' '}
            <select id={id} value={chosen} onChange={(event) => setChosen(event.currentTarget.value)}>
              <option value="">all</option>
              {generations.map((each) => (
                <option key={each.generation} value={String(each.generation)}>
                  {label(each.generation)}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      {plots.length === 0 && <p class="empty">No step has been trained yet.</p>}
      <div class="charts">
        {plots.map((plot) => (
          <Chart key={plot.title} plot={plot} word={word} colourOf={colourOf} />
        ))}
      </div>
    </section>
  );
}
