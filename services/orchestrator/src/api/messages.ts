import type { RunView } from '@trikd/core/run/run-view';
import { fromRun } from '@trikd/protocol/convert-run-view';
import type { GetCallerResponse, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type Caller, VERBS, type Verb } from '@trikd/transport/access/caller';

/** Who a caller is. @param allowed what anybody may do here */
export function fromCaller(caller: Caller, allowed: readonly Verb[] = VERBS): GetCallerResponse {
  const { kind } = caller;
  const verbs = allowed.filter((verb) => kind !== 'user' || caller.verbs.includes(verb));
  if (kind === 'user') return { kind, subject: caller.subject, teams: [...caller.teams], verbs };
  return { kind, subject: kind === 'service' ? caller.role : '', teams: [], verbs };
}

/** How a run is when a stream opens: the one event that carries a whole run. */
export function snapshotEvent(view: RunView): WatchRunResponse {
  return { event: { $case: 'run', value: fromRun(view) }, number: 0, time: undefined };
}

/** The note that events are not kept any more. @param firstKept the oldest that is kept from there on; 0: none */
export function missing(fromEvent: number, firstKept: number): WatchRunResponse {
  return { event: { $case: 'missing', value: { fromEvent, firstKept } }, number: 0, time: undefined };
}
