import type { BlobItem } from '@trikd/core/checkpoint/blobs';
import { manifestPosition } from '@trikd/core/checkpoint/manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import { LONGEST_NAME, PlacementRequest } from '@trikd/core/run/placement';
import type { RunView } from '@trikd/core/run/run-view';
import type { RunState } from '@trikd/core/run/state';
import { LONGEST_REQUEST_ID } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { fromBestParams, fromBlob } from '@trikd/protocol/convert';
import { fromRun } from '@trikd/protocol/convert-run-view';
import {
  type Checkpoint,
  type GetCallerResponse,
  type ListCheckpointsResponse,
  type PlacementRequest as PlacementMessage,
  type ReadBlobResponse,
  RunListView,
  type RunPhase,
  type WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { runPhaseOf } from '@trikd/protocol/run-phases';
import { type Caller, VERBS, type Verb } from '@trikd/transport/access/caller';
import type { CheckpointList, ListedCheckpoint } from './list-runs.js';

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

/** The checkpoints of a run. */
export function fromCheckpoints({ checkpoints, omitted }: CheckpointList): ListCheckpointsResponse {
  return { checkpoints: checkpoints.map(fromCheckpoint), omitted };
}

function fromCheckpoint({ key, manifest, problem }: ListedCheckpoint): Checkpoint {
  const { stage, attempt, step } = manifestPosition(key) ?? { stage: 0, attempt: 0, step: 0 };
  const parts = Object.entries(manifest?.learners ?? {}).map(([participant, { state, best }]) => {
    return { participant, state: fromBlob(state), best: best && fromBestParams(best) };
  });
  return { manifestKey: key, stage, attempt, step, parts, problem: problem ?? '' };
}

const NO_DATA = Buffer.alloc(0);

/** A message of a stream of a blob. */
export function fromBlobItem(item: BlobItem): ReadBlobResponse {
  if ('size' in item) return { size: item.size, data: NO_DATA };
  const { buffer, byteOffset, byteLength } = item.bytes;
  return { size: 0, data: Buffer.from(buffer, byteOffset, byteLength) };
}

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
