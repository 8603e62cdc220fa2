import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { liveView } from './live-view.js';
import { lineOf, type RunSummary, withEvent } from './run-summary.js';
import { drawing, type Output, write as writeTo } from './shell.js';

type Event = NonNullable<WatchRunResponse['event']>;

/** Shows the progress of a run. */
export interface Display {
  readonly show: (event: Event) => void;
  /** Prints a line that stays. */
  readonly say: (sentence: string) => void;
  /** Ends the display and leaves what it shows. */
  readonly close: () => void;
  readonly summary: () => RunSummary;
}

/** Between two lines of progress without a terminal, in milliseconds. */
const QUIET_INTERVAL = 10_000;
/** Between two redraws, in milliseconds. */
const LIVE_INTERVAL = 100;

/** A line for each role, redrawn in place. */
export function liveDisplay(terminal: Output, first: RunSummary): Display {
  const picture = drawing(terminal);
  let summary = first;
  let timer: NodeJS.Timeout | undefined;
  const redraw = () => {
    timer = undefined;
    picture.draw(liveView(summary, terminal.columns ?? 80).join('\n'));
  };
  redraw();
  const close = () => {
    clearTimeout(timer);
    redraw();
    picture.done();
  };
  return {
    show: (event) => {
      summary = withEvent(summary, event);
      timer ??= setTimeout(redraw, LIVE_INTERVAL);
    },
    say: picture.persist,
    close,
    summary: () => summary,
  };
}

/** A line of JSON for each event, and one of progress every 10 s. @param now milliseconds of a monotonic clock */
export function quietDisplay(
  output: { write(text: string): unknown },
  errors: { write(text: string): unknown },
  first: RunSummary,
  now: () => number,
): Display {
  let summary = first;
  let progressAt = now();
  let lastRun = '';
  const write = (line: object) => writeTo(output, `${JSON.stringify(line)}\n`);
  return {
    show: (event) => {
      summary = withEvent(summary, event);
      const line = lineOf(event);
      // A run is emitted whenever its state is saved, changed or not.
      const isNew = line !== undefined && (event.$case !== 'run' || JSON.stringify(line) !== lastRun);
      if (event.$case === 'run') lastRun = JSON.stringify(line);
      if (isNew) write(line);
      if (event.$case !== 'progress' || now() - progressAt < QUIET_INTERVAL) return;
      progressAt = now();
      const { generation, totalSteps, roles } = summary;
      write({ event: 'progress', generation, totalSteps, ...roles });
    },
    say: (sentence) => writeTo(errors, `${sentence}\n`),
    close: () => undefined,
    summary: () => summary,
  };
}
