import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import type { SlowStep } from '@trikd/protocol/gen/browser/trikd/v1/timing';
import { useState } from 'preact/hooks';
import { milliseconds } from './format.js';
import { Scroll } from './scroll.js';
import { namingOf } from './stages.js';
import { StepPicture } from './step-picture.js';

const keyOf = ({ generation, attempt, step }: SlowStep) => `${generation} ${attempt} ${step}`;

interface SlowStepsProps {
  readonly steps: readonly SlowStep[];
  readonly run: Run | undefined;
}

/** The slowest steps, and a timeline of the selected one. */
export function SlowSteps({ steps, run }: SlowStepsProps) {
  const [chosen, setChosen] = useState<string>();
  const { title } = namingOf(run);
  const shown = steps.find((each) => keyOf(each) === chosen) ?? steps[0];
  return (
    <section class="panel" aria-labelledby="slow-steps">
      <h2 id="slow-steps">Slowest steps</h2>
      {!shown && <p class="empty">No step has taken much longer than usual.</p>}
      {shown && (
        <>
          <p class="muted small">
            {steps.length === 1 ? 'One step has' : `${steps.length} steps have`} taken much longer than their
            neighbours: at most {milliseconds(Math.max(...steps.map(({ durationMs }) => durationMs)))}.
          </p>
          <details>
            <summary>What each process did in them</summary>
            <StepPicture step={shown} run={run} />
            <Scroll label="slowest steps">
              <table>
                <caption class="visually-hidden">The slowest steps of the run</caption>
                <thead>
                  <tr>
                    <th scope="col">step</th>
                    <th scope="col" class="number">
                      took
                    </th>
                    <th scope="col" class="number">
                      usual
                    </th>
                    <th scope="col">trace</th>
                    <th scope="col">
                      <span class="visually-hidden">timeline</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {steps.map((each) => (
                    <tr key={keyOf(each)} class={each === shown ? 'chosen' : ''}>
                      <th scope="row">
                        {each.step} <span class="muted">of {title(each.generation)}</span>
                      </th>
                      <td class="number">{milliseconds(each.durationMs)}</td>
                      <td class="number">{milliseconds(each.usualMs)}</td>
                      <td>
                        <code class="trace">{each.traceId || '–'}</code>
                      </td>
                      <td>
                        <button
                          type="button"
                          class="small"
                          aria-pressed={each === shown}
                          aria-label={`Show step ${each.step} of ${title(each.generation)}`}
                          onClick={() => setChosen(keyOf(each))}
                        >
                          show
                        </button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Scroll>
          </details>
        </>
      )}
    </section>
  );
}
