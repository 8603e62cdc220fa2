import { WatchRunResponse } from '@trikd/protocol/gen/browser/trikd/v1/run';

/** One thing that happened in a run. Times are ISO 8601, enums their names. */
export type RunEvent = WatchRunResponse;

/** An event from its JSON, as WatchRun and the files of events have it. Names that are not known are passed over. */
export function eventOf(json: unknown): RunEvent {
  return WatchRunResponse.fromJSON(json);
}

/** The events in the lines of a file. A last line that is not whole is left out: somebody is writing it. */
export function eventsIn(lines: string): readonly RunEvent[] {
  return lines.split('\n').flatMap((line) => {
    const json = jsonOf(line);
    return json === undefined ? [] : [eventOf(json)];
  });
}

function jsonOf(line: string): unknown {
  if (line.trim() === '') return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
