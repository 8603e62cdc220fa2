import type { LogEntry } from '@trikd/events/log';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { useState } from 'preact/hooks';
import { moment } from './format.js';
import { namingOf } from './stages.js';

const ROUTINE: readonly LogEntry['kind'][] = ['evaluation', 'committed', 'slow-step'];
/** Entries that are shown at first, and those that are added by one press of the button. */
const FIRST_PAGE = 15;
const PAGE = 100;

interface EventLogProps {
  readonly log: readonly LogEntry[];
  readonly run: Run | undefined;
}

/** The events of a run, newest first. */
export function EventLog({ log, run }: EventLogProps) {
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
        {shown.slice(0, most).map(({ number, time, tone, generation, text }) => (
          <li key={`${number} ${text}`} class={tone}>
            <time dateTime={time} title={moment(time)}>
              {moment(time, false)}
            </time>
            <span class="muted">{short(generation)}</span>
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
