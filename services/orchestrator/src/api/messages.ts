import type { RunView } from '@trikd/core/run/run-view';
import { fromRun } from '@trikd/protocol/convert-run-view';
import type { GetCallerResponse, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type Caller, VERBS } from '@trikd/transport/access/caller';

/** Who a caller is. */
export function fromCaller(caller: Caller): GetCallerResponse {
  const { kind } = caller;
  if (kind === 'user') return { kind, subject: caller.subject, teams: [...caller.teams], verbs: [...caller.verbs] };
  return { kind, subject: kind === 'service' ? caller.role : '', teams: [], verbs: [...VERBS] };
}

/** How a run is when a stream opens: the one event that carries a whole run. */
export function snapshotEvent(view: RunView): WatchRunResponse {
  return { event: { $case: 'run', value: fromRun(view) }, number: 0, time: undefined };
}

/** The note that events are not kept any more. @param firstKept the oldest that is kept from there on; 0: none */
export function missing(fromEvent: number, firstKept: number): WatchRunResponse {
  return { event: { $case: 'missing', value: { fromEvent, firstKept } }, number: 0, time: undefined };
}
