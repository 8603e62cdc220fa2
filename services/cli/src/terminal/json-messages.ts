import { eventOf } from '@trikd/events/event';
import * as json from '@trikd/protocol/gen/browser/trikd/v1/run';
import { Run, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';

/** Messages as @trikd/events reads them: times are ISO 8601, enums their names. */

export function eventJson(message: WatchRunResponse): json.WatchRunResponse {
  return eventOf(WatchRunResponse.toJSON(message));
}

export function runJson(run: Run): json.Run {
  return json.Run.fromJSON(Run.toJSON(run));
}
