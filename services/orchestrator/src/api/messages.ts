import { manifestPosition } from '@trikd/core/checkpoint/manifest';
import type { BlobItem } from '@trikd/core/checkpoint/read-blob';
import type { RunView } from '@trikd/core/run/run-view';
import { fromBestParams, fromBlob } from '@trikd/protocol/convert';
import { fromRun } from '@trikd/protocol/convert-run-view';
import type {
  Checkpoint,
  GetCallerResponse,
  ListCheckpointsResponse,
  ReadBlobResponse,
  WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { type Caller, VERBS, type Verb } from '@trikd/transport/access/caller';
import type { CheckpointList, ListedCheckpoint } from './list-checkpoints.js';

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
  const { generation, attempt, step } = manifestPosition(key) ?? { generation: 0, attempt: 0, step: 0 };
  const parts = Object.entries(manifest?.learners ?? {}).map(([participant, { state, best }]) => {
    return { participant, state: fromBlob(state), best: best && fromBestParams(best) };
  });
  return { manifestKey: key, generation, attempt, step, parts, problem: problem ?? '' };
}

const NO_DATA = Buffer.alloc(0);

/** A message of a stream of a blob. */
export function fromBlobItem(item: BlobItem): ReadBlobResponse {
  if ('size' in item) return { size: item.size, data: NO_DATA };
  const { buffer, byteOffset, byteLength } = item.bytes;
  return { size: 0, data: Buffer.from(buffer, byteOffset, byteLength) };
}
