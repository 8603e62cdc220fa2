import { emptyHistory } from '@trikd/events/run-history';
import { RunPhase, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { phaseIn } from '@trikd/protocol/run-phases';
import { liveDisplay } from '../display.js';
import type { Format } from '../options.js';
import type { Paint } from '../paint.js';
import { type Output, write } from '../shell.js';
import { yaml as yamlOf } from '../texts.js';
import { eventLine } from './event-line.js';

/** Shows the events of a run as they arrive. */
export interface Screen {
  readonly show: (message: WatchRunResponse) => void;
  readonly close: () => void;
}

/** Shows all events. Returns the exit status: 0 when the run completed, 1 when it failed or was cancelled. */
export async function showAll(messages: AsyncIterable<WatchRunResponse>, screen: Screen): Promise<number> {
  let last: RunPhase | undefined;
  try {
    for await (const message of messages) {
      last = phaseIn(message.event) ?? last;
      screen.show(message);
    }
  } finally {
    screen.close();
  }
  return last === RunPhase.RUN_PHASE_COMPLETED ? 0 : 1;
}

/** Prints a line, or a YAML document, for each event. */
export function lineScreen(output: { write(text: string): unknown }, format: Format, paint: Paint): Screen {
  const text = {
    table: (message: WatchRunResponse) => eventLine(message, paint),
    json: (message: WatchRunResponse) => JSON.stringify(WatchRunResponse.toJSON(message)),
    yaml: (message: WatchRunResponse) => `---\n${yamlOf(WatchRunResponse.toJSON(message))}`,
  }[format];
  return { show: (message) => write(output, `${text(message)}\n`), close: () => undefined };
}

/** Redraws the state of the run in place. */
export function liveScreen(terminal: Output): Screen {
  const { show, close } = liveDisplay(terminal, emptyHistory);
  return { show, close };
}
