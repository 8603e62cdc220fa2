import { ownerText } from '@trikd/events/queue';
import { stallSentence } from '@trikd/events/sentences';
import { methodIn } from '@trikd/events/spec-text';
import { type Run, RunAdvance } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { Fact } from './fact.js';
import { capital, count, duration, moment, sentence } from './format.js';
import { Phase, Progress } from './marks.js';
import { namingOf, stagesIn } from './stages.js';

/** The state of a run at a glance. */
export function RunHead({ run }: { readonly run: Run }) {
  const { generation, attempt, progress, createTime, endTime, placement } = run;
  const owner = ownerText(run.owner);
  const method = methodIn(run.spec);
  const { word, label } = namingOf(run);
  return (
    <section class="panel head" aria-label="State of the run">
      <dl class="facts">
        <Fact name="Phase">
          <Phase phase={run.phase} />
        </Fact>
        {method !== undefined && <Fact name="Method">{method}</Fact>}
        <Fact name={capital(word)}>
          {label(generation)}
          <span class="muted">
            {outOf(run)}
            {attempt > 1 && ` · attempt ${attempt}`}
          </span>
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
        <Fact name={endTime ? 'Ended' : 'Remaining, at most'}>
          {endTime
            ? moment(endTime)
            : progress?.secondsRemaining === undefined
              ? '–'
              : duration(progress.secondsRemaining)}
        </Fact>
        {placement?.waiting && (
          <Fact name="Position in the queue">
            {placement.waiting.position} of {placement.waiting.length}
          </Fact>
        )}
        {placement && placement.priority !== 0 && <Fact name="Priority">{placement.priority}</Fact>}
        {placement && placement.trio !== '' && <Fact name="Trio">{placement.trio}</Fact>}
        {owner !== '' && <Fact name="Owner">{owner}</Fact>}
        <Fact name="Created">{moment(createTime)}</Fact>
        {run.advance === RunAdvance.RUN_ADVANCE_MANUAL && <Fact name={`${capital(word)}s start`}>on a trigger</Fact>}
      </dl>
      <Conditions run={run} />
    </section>
  );
}

/** What holds of the run now, each fact once: a failure, what it waits for, and its other conditions. */
function Conditions({ run: { failure, stalls, conditions } }: { readonly run: Run }) {
  const holding = conditions.filter(
    ({ status, type }) =>
      status === 'CONDITION_STATUS_TRUE' && type !== 'Failed' && (type !== 'Stalled' || stalls.length === 0),
  );
  return (
    <>
      {failure !== '' && <p class="notice bad">The run failed: {failure}</p>}
      {stalls.map((stall) => (
        <p key={`${stall.by} ${stall.on}`} class="notice warning">
          {sentence(stallSentence(stall))}
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
    </>
  );
}

/** Stages count from 0: generation 1 is the second. */
function outOf({ spec, stages, generation }: Run): string {
  // Only a snapshot has their number.
  const many = stages || stagesIn(spec).length;
  return many === 0 ? '' : ` (${generation + 1} of ${many})`;
}
