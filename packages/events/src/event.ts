import { WatchRunResponse } from '@trikd/protocol/gen/browser/trikd/v1/run';

/** What happened, of an event as JSON. Times are ISO 8601, enums their names. */
export type RunEvent = NonNullable<WatchRunResponse['event']>;

/** An event from its JSON, as WatchRun and the files of events have it. Unknown names are ignored. */
export function eventOf(json: unknown): WatchRunResponse {
  return WatchRunResponse.fromJSON(json);
}

/** The events in the lines of a file. A last line that is incomplete is left out: it is being written. */
export function eventsIn(lines: string): readonly WatchRunResponse[] {
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

/** An event's number is the term of the leader that emitted it, times this, and a count. */
export const NUMBERS_PER_TERM = 2 ** 32;

/** The number of an event as people read it: 4294967298, the second of term 1, is `1.2`. */
export function eventName(number: number): string {
  return `${Math.floor(number / NUMBERS_PER_TERM)}.${number % NUMBERS_PER_TERM}`;
}

/** The number that a name or the number itself stands for; undefined for any other text. */
export function eventNumber(name: string): number | undefined {
  const [, term, count] = /^(?:(\d+)\.)?(\d+)$/.exec(name) ?? [];
  if (count === undefined) return undefined;
  const number = Number(term ?? 0) * NUMBERS_PER_TERM + Number(count);
  return Number.isSafeInteger(number) ? number : undefined;
}
