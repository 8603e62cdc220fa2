import { stallSentence } from '@trikd/events/event-text';
import { methodIn, metricText } from '@trikd/events/names';
import { ownerText } from '@trikd/events/queue';
import { type Run, RunAdvance } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { Fact, Phase, Progress } from '../controls.js';
import { capital, count, duration, moment, sentence } from '../format.js';
import { type Headline, headlineOf } from './lineage-of.js';
import { namingOf, stagesIn } from './stages.js';

/** The state of a run at a glance: what it has come to, how far it is, and what holds it up. */
export function RunHead({ run }: { readonly run: Run }) {
  const { stage, attempt, progress, endTime, placement } = run;
  const method = methodIn(run.spec);
  const { word, label } = namingOf(run);
  const headline = headlineOf(run);
  return (
    <section class="panel head" aria-label="State of the run">
      <div class="head-columns">
        {headline && <Result headline={headline} />}
        <dl class="facts">
          <Fact name="Phase">
            <Phase phase={run.phase} />
          </Fact>
          <Fact name="Progress">
            <Progress percent={progress?.percent} label="progress of the run" />
          </Fact>
          <Fact name={capital(word)}>
            {label(stage)}
            <span class="muted">
              {outOf(run)}
              {attempt > 1 && ` · attempt ${attempt}`}
            </span>
          </Fact>
          <Fact name="Steps">
            {progress
              ? `${count(progress.stepsDone)} of ${progress.stepsTotal > 0 ? count(progress.stepsTotal) : '?'}`
              : '–'}
          </Fact>
          {method !== undefined && <Fact name="Method">{method}</Fact>}
          {progress && progress.stepsPerSecond > 0 && (
            <Fact name="Speed">{progress.stepsPerSecond.toFixed(1)} steps/s</Fact>
          )}
          {!endTime && progress?.secondsRemaining !== undefined && (
            <Fact name="Remaining, at most">{duration(progress.secondsRemaining)}</Fact>
          )}
          {placement?.waiting && (
            <Fact name="Position in the queue">
              {placement.waiting.position} of {placement.waiting.length}
            </Fact>
          )}
          {placement && placement.priority !== 0 && <Fact name="Priority">{placement.priority}</Fact>}
          {placement && placement.trio !== '' && <Fact name="Trio">{placement.trio}</Fact>}
          {run.advance === RunAdvance.RUN_ADVANCE_MANUAL && <Fact name={`${capital(word)}s start`}>on a trigger</Fact>}
        </dl>
      </div>
      <p class="muted small life">{lifeOf(run).join(' · ')}</p>
      <Conditions run={run} />
    </section>
  );
}

/** What the run has come to so far, larger than anything else. */
function Result({ headline: { title, metric, validation, test, model, peer } }: { readonly headline: Headline }) {
  return (
    <div class="result">
      <p class="muted">{title}</p>
      <p class="value number">{metricText(metric, validation)}</p>
      <p>
        {metric.title} of the {model} on the validation split
        {test !== undefined && `; ${metricText(metric, test)} on the test split`}.
      </p>
      {peer && (
        <p class="muted">
          The {peer.name} beside it: {metricText(metric, peer.validation)}.
        </p>
      )}
    </div>
  );
}

/** When the run was created and ended, for how long it has been, and whose it is. */
function lifeOf({ createTime, endTime, owner }: Run): readonly string[] {
  const by = ownerText(owner);
  const seconds = createTime && endTime ? (Date.parse(endTime) - Date.parse(createTime)) / 1000 : undefined;
  return [
    ...(createTime ? [`Created ${moment(createTime)}${by === '' ? '' : ` by ${by}`}`] : by === '' ? [] : [`By ${by}`]),
    ...(endTime ? [`ended ${moment(endTime)}${seconds === undefined ? '' : ` after ${duration(seconds)}`}`] : []),
  ];
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

/** Stages count from 0: stage 1 is the second. */
function outOf({ spec, stageCount, stage }: Run): string {
  // Only a snapshot has their number.
  const many = stageCount || stagesIn(spec).length;
  return many === 0 ? '' : ` (${stage + 1} of ${many})`;
}
