import { missingSentence } from '@trikd/events/event-text';
import type { LogEntry } from '@trikd/events/log';
import type { RunHistory } from '@trikd/events/run-history';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { useState } from 'preact/hooks';
import { Curves } from '../charts/curves.js';
import { Fact, Scroll } from '../controls.js';
import { moment, sentence } from '../format.js';
import { mainSettings, specOf } from './configuration-of.js';
import { Lineage } from './lineage.js';
import { namingOf } from './stages.js';
import { SlowSteps } from './step-picture.js';
import { StepTimes } from './step-times.js';
import { SystemMetrics } from './system-metrics.js';

interface RunViewProps {
  readonly history: RunHistory;
  /** Called when a request was accepted; absent in a report, which has no buttons. */
  readonly done?: () => void;
}

/** Everything that is known of a run: on its page and in its report. */
export function RunView({ history, done }: RunViewProps) {
  const { run, missing } = history;
  return (
    <>
      {missing && <p class="notice">{sentence(`${missingSentence(missing)}, so this page does not show them`)}</p>}
      {run && <Lineage run={run} stages={history.stages} {...(done && { done })} />}
      <Curves history={history} />
      {run && <Configuration spec={run.spec} />}
      <StepTimes windows={history.windows} run={run} />
      <SystemMetrics windows={history.windows} />
      <SlowSteps steps={history.slowSteps} run={run} />
      <EventLog log={history.log} run={run} />
    </>
  );
}

const ROUTINE: readonly LogEntry['kind'][] = ['evaluation', 'committed', 'slow-step'];
/** Entries that are shown at first, and those that are added by one press of the button. */
const FIRST_PAGE = 15;
const PAGE = 100;

interface EventLogProps {
  readonly log: readonly LogEntry[];
  readonly run: Run | undefined;
}

/** The events of a run, newest first. */
function EventLog({ log, run }: EventLogProps) {
  const [all, setAll] = useState(false);
  const [most, setMost] = useState(FIRST_PAGE);
  const { word, short } = namingOf(run);
  const shown = log.filter(({ kind }) => all || !ROUTINE.includes(kind)).toReversed();
  return (
    <section class="panel" aria-labelledby="log">
      <div class="title">
        <h2 id="log">Events</h2>
        <label>
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} /> include
          checkpoints, validations and slow steps
        </label>
      </div>
      {shown.length === 0 && <p class="empty">No events yet.</p>}
      <ol class={`log of-${word}s`}>
        {shown.slice(0, most).map(({ number, time, tone, stage, text }) => (
          <li key={`${number} ${text}`} class={tone}>
            <time dateTime={time} title={moment(time)}>
              {moment(time, false)}
            </time>
            <span class="muted">{short(stage)}</span>
            <span>{text}</span>
          </li>
        ))}
      </ol>
      {shown.length > most && (
        <button type="button" onClick={() => setMost(most + PAGE)}>
          Older events
        </button>
      )}
    </section>
  );
}

/** The settings that runs are compared by, and the whole spec, collapsed. */
function Configuration({ spec }: { readonly spec: string }) {
  const known = specOf(spec);
  if (known === undefined) return null;
  return (
    <section class="panel configuration" aria-labelledby="configuration">
      <h2 id="configuration">Configuration</h2>
      <dl class="facts">
        {mainSettings(spec).map(({ name, value }) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
      </dl>
      <details>
        <summary>The whole spec</summary>
        <Scroll label="the whole spec">
          <pre>{JSON.stringify(known, undefined, 2)}</pre>
        </Scroll>
      </details>
    </section>
  );
}
