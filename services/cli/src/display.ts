import type { WatchRunResponse } from '@trikd/platform/gen/trikd/v1/run';
import { liveView } from './live-view.js';
import { drawing, type Output, write as writeTo } from './shell.js';
import { lineOf, type Story, tell } from './story.js';

type Event = NonNullable<WatchRunResponse['event']>;

/** Shows a run while it goes on. */
export interface Display {
  readonly show: (event: Event) => void;
  /** Says something that stays. */
  readonly say: (sentence: string) => void;
  /** Leaves what was shown last. */
  readonly close: () => void;
  readonly story: () => Story;
}

/** Between two lines of progress when nobody looks on, in milliseconds. */
const QUIET_INTERVAL = 10_000;
/** Between two pictures. */
const LIVE_INTERVAL = 100;

/** A line a role, redrawn in place. */
export function liveDisplay(terminal: Output, first: Story): Display {
  const picture = drawing(terminal);
  let story = first;
  let timer: NodeJS.Timeout | undefined;
  const redraw = () => {
    timer = undefined;
    picture.draw(liveView(story, terminal.columns ?? 80).join('\n'));
  };
  redraw();
  const close = () => {
    clearTimeout(timer);
    redraw();
    picture.done();
  };
  return {
    show: (event) => {
      story = tell(story, event);
      timer ??= setTimeout(redraw, LIVE_INTERVAL);
    },
    say: picture.persist,
    close,
    story: () => story,
  };
}

/** A line of JSON an event, and one of progress now and then. @param now milliseconds on a clock that never goes back */
export function quietDisplay(
  output: { write(text: string): unknown },
  errors: { write(text: string): unknown },
  first: Story,
  now: () => number,
): Display {
  let story = first;
  let progressAt = now();
  let told = '';
  const write = (line: object) => writeTo(output, `${JSON.stringify(line)}\n`);
  return {
    show: (event) => {
      story = tell(story, event);
      const line = lineOf(event);
      // A run is told of again whenever its state was saved, the same or not.
      const news = line !== undefined && (event.$case !== 'run' || JSON.stringify(line) !== told);
      if (event.$case === 'run') told = JSON.stringify(line);
      if (news) write(line);
      if (event.$case !== 'progress' || now() - progressAt < QUIET_INTERVAL) return;
      progressAt = now();
      const { generation, totalSteps, roles } = story;
      write({ event: 'progress', generation, totalSteps, ...roles });
    },
    say: (sentence) => writeTo(errors, `${sentence}\n`),
    close: () => undefined,
    story: () => story,
  };
}
