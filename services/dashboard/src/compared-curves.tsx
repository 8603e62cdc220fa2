import type { RunHistory } from '@trikd/events/run-history';
import { useMemo, useState } from 'preact/hooks';
import { Chart } from './chart.js';
import { ChartControls, FIRST_LOOK } from './chart-controls.js';
import { Choice } from './choice.js';
import { type ColourOf, comparedPlots, learnersIn } from './comparison-of.js';

interface ComparedCurvesProps {
  readonly histories: readonly RunHistory[];
  readonly colourOf: ColourOf;
}

/** The validation curves of runs over each other. */
export function ComparedCurves({ histories, colourOf }: ComparedCurvesProps) {
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
