import { eventOf } from '@trikd/events/event';
import { foldAll } from '@trikd/events/run-history';
import { Run, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';

/** A run after the events of a stream, in their order; undefined before the first snapshot or phase. */
export function runAfter(events: Iterable<NonNullable<WatchRunResponse['event']>>): Run | undefined {
  const json = [...events].map((event) => eventOf(WatchRunResponse.toJSON({ event, number: 0, time: undefined })));
  const { run } = foldAll(json);
  return run && Run.fromJSON(run);
}
