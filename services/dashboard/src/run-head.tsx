import { type Run, RunAdvance } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { count, duration, moment, sentence } from './format.js';
import { Phase, Progress } from './marks.js';
import { generationsIn, type Progress as Known } from './progress-of.js';

/** Where a run stands, in one look. */
export function RunHead({ run, progress }: { readonly run: Run; readonly progress: Known | undefined }) {
  const { generation, attempt, failure, stalls, conditions, createTime, endTime } = run;
  const holding = conditions.filter(({ status, type }) => status === 'CONDITION_STATUS_TRUE' && type !== 'Stalled');
  return (
    <section class="panel head" aria-label="Where the run stands">
      <dl class="facts">
        <Fact name="Phase">
          <Phase phase={run.phase} />
        </Fact>
        <Fact name="Generation">
          {generation}
          {generations(run)}
          {attempt > 1 && <span class="muted"> · start {attempt}</span>}
        </Fact>
        <Fact name="Progress">
          <Progress percent={progress?.percent} label="progress of the run" />
        </Fact>
        <Fact name="Steps">
          {progress
            ? `${count(progress.stepsDone)} of ${progress.stepsTotal > 0 ? count(progress.stepsTotal) : '?'}`
            : '–'}
        </Fact>
        <Fact name="Speed">
          {progress && progress.stepsPerSecond > 0 ? `${progress.stepsPerSecond.toFixed(1)} steps/s` : '–'}
        </Fact>
        <Fact name={endTime ? 'Ended' : 'Remaining'}>
          {endTime
            ? moment(endTime)
            : progress?.secondsRemaining === undefined
              ? '–'
              : duration(progress.secondsRemaining)}
        </Fact>
        <Fact name="Created">{moment(createTime)}</Fact>
        {run.advance === RunAdvance.RUN_ADVANCE_MANUAL && <Fact name="Generations begin">when triggered</Fact>}
      </dl>
      {failure !== '' && <p class="notice bad">The run failed: {failure}</p>}
      {stalls.map(({ by, on, reason }) => (
        <p key={`${by} ${on}`} class="notice warning">
          The {by} waits for the {on}: {reason}
        </p>
      ))}
      {holding.length > 0 && (
        <ul class="conditions" aria-label="Conditions">
          {holding.map(({ type, reason, message }) => (
            <li key={type}>
              <strong>{type}</strong> {sentence(message || reason)}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The last one of the budget, when the spec is known. */
function generations({ spec }: Run): string {
  const many = generationsIn(spec);
  return many > 0 ? ` of 0 to ${many - 1}` : '';
}
