import { TrikdError } from '@trikd/core/domain/errors';
import { LONGEST_NAME, PlacementRequest } from '@trikd/core/run/placement';
import { LONGEST_REQUEST_ID } from '@trikd/core/run/run-store';
import type { RunState } from '@trikd/core/run/state';
import { RunSpec } from '@trikd/core/spec/run-spec';
import {
  type PlacementRequest as PlacementMessage,
  RunListView,
  type RunPhase,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { runPhaseOf } from '@trikd/protocol/run-phases';

/** Checks of what came over the wire. All throw TrikdError `invalid` that names the field. */

export function toRunId(text: string): string {
  if (RunSpec.unwrap().shape.name.safeParse(text).success) return text;
  const found = text === '' ? 'it is empty' : `it is ${JSON.stringify(text.slice(0, 80))}`;
  throw refused('run_id', `a run id is 1 to 63 lower-case letters, digits and dashes: ${found}`);
}

/** Undefined when the caller names no request. */
export function toRequestId(text: string): string | undefined {
  if (text === '') return undefined;
  if (/^[\x20-\x7e]+$/.test(text) && text.length <= LONGEST_REQUEST_ID) return text;
  throw refused('request_id', `a request id is at most ${LONGEST_REQUEST_ID} printable ASCII characters`);
}

export function toPhases(phases: readonly RunPhase[]): readonly RunState['phase'][] {
  return phases.map((phase) => {
    const known = runPhaseOf(phase);
    if (known) return known;
    throw refused('phases', `phase ${phase} is none of a run`);
  });
}

/** Whether a list has summaries instead of whole runs. */
export function isSummaryView(view: RunListView | undefined): boolean {
  if (view === RunListView.RUN_LIST_VIEW_SUMMARY) return true;
  const isFull =
    view === undefined || view === RunListView.RUN_LIST_VIEW_UNSPECIFIED || view === RunListView.RUN_LIST_VIEW_FULL;
  if (isFull) return false;
  throw refused('view', `view ${view} is none of a list`);
}

/** Undefined when the caller asks for nothing. */
export function toPlacement(message: PlacementMessage | undefined): PlacementRequest | undefined {
  if (!message) return undefined;
  const { class: kind, queue, priority } = message;
  const parsed = PlacementRequest.safeParse({ priority, ...(kind && { class: kind }), ...(queue && { queue }) });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refused(`placement.${issue?.path.join('.')}`, PLACEMENT_LIMITS);
}

const PLACEMENT_LIMITS = `a priority is a whole number from -100 to 100, and a class or a queue has at most ${LONGEST_NAME} characters`;

function refused(field: string, sentence: string): TrikdError {
  return new TrikdError('invalid', sentence, { field });
}
