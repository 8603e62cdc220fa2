import { primaryText } from '@trikd/events/metric-text';
import type { RunHistory } from '@trikd/events/run-history';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { addressOf } from './address.js';
import type { ColourOf } from './comparison-of.js';
import { capital } from './format.js';
import { becameText, lineageOf } from './lineage-of.js';
import { namingOf } from './stages.js';

interface ComparedLineageProps {
  readonly histories: readonly RunHistory[];
  readonly colourOf: ColourOf;
}

/** The stages of each run, side by side. */
export function ComparedLineage({ histories, colourOf }: ComparedLineageProps) {
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
  const lineage = lineageOf(run, history.generations);
  return (
    <section class="run-stages" aria-label={run.runId}>
      <h3>
        <span class={`swatch ${colour}`} aria-hidden="true" /> <a href={addressOf(run.runId)}>{run.runId}</a>
      </h3>
      {lineage.length === 0 && <p class="empty">No stage has begun.</p>}
      <ol>
        {lineage.map(({ generation, learners, validation, test, became, isAnchor, isBest, state }) => (
          <li key={generation} class={isBest ? 'is-best' : ''}>
            <p>
              <strong>{capital(title(generation))}</strong>
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
