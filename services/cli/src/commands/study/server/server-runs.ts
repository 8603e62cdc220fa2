import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainedRole } from '@trikd/core/domain/position';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import type { RunState } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { fromRole, toBestParams } from '@trikd/protocol/convert';
import type { ReadBlobResponse, Run, StageResult, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { RUN_PHASES, runPhaseOf } from '@trikd/protocol/run-phases';
import { fromStatus, isServiceError } from '@trikd/protocol/status';
import { unary } from '@trikd/transport/grpc/clients';
import { pastEvents } from '../../../export-events/past-events.js';
import type { Placing } from '../../../options/args.js';
import type { Asking } from '../../../server/ask.js';
import { numericsText } from '../results-file.js';
import type { TrainedStage } from '../trained-run.js';

/** A run as its orchestrator describes it. */
export interface ServerRun {
  readonly runId: string;
  /** SHA-256 of its spec, hex. */
  readonly digest: string;
  /** Undefined: a phase that this version does not have. */
  readonly phase: RunState['phase'] | undefined;
  /** Why it failed; empty otherwise. */
  readonly failure: string;
  /** 0..100 */
  readonly percent: number;
  /** Those that have ended, by their index. */
  readonly stages: readonly TrainedStage[];
}

/** The runs of an orchestrator, as a study uses them. */
export interface ServerRuns {
  /** Undefined: there is none of this name. */
  find(runId: string): Promise<ServerRun | undefined>;
  /**
   * Creates a run, or continues the one of the same spec that has failed. A request with the same id is done once.
   * @throws TrikdError 'exhausted' if too many runs of the caller wait for a trio
   */
  create(spec: RunSpec, requestId: string): Promise<ServerRun>;
  /** Writes the params of a run into a file. @throws TrikdError 'corrupt' if they are not those of the blob */
  download(runId: string, blob: Blob, file: string): Promise<void>;
  /** What the events of a run say of its training. */
  training(runId: string, trainer: Trainer): Promise<Training>;
}

export function serverRuns(asking: Asking, { placement, team }: Placing): ServerRuns {
  const { client, how } = asking;
  return {
    async find(runId) {
      try {
        return serverRun((await unary(client.getRun.bind(client), { runId }, how)).run, how.what);
      } catch (error) {
        if (error instanceof TrikdError && error.kind === 'not-found') return undefined;
        throw error;
      }
    },
    async create(spec, requestId) {
      const request = { spec: JSON.stringify(spec), requestId, takeOver: false, placement, team };
      return serverRun((await unary(client.createRun.bind(client), request, how)).run, how.what);
    },
    async download(runId, blob, file) {
      const call = client.readBlob({ runId, key: blob.key, offset: 0, length: 0 });
      const leave = () => call.cancel();
      how.signal.addEventListener('abort', leave, { once: true });
      try {
        await pipeline(verified(call, blob), createWriteStream(file));
      } catch (error) {
        how.signal.throwIfAborted();
        throw isServiceError(error) ? fromStatus(error, how.what) : error;
      } finally {
        how.signal.removeEventListener('abort', leave);
        leave();
      }
    },
    training: (runId, trainer) => trainingIn(pastEvents(asking, runId), trainer),
  };
}

/** The bytes of a blob, as far as it is as long as it says; at their end its digest holds. */
async function* verified(
  messages: AsyncIterable<ReadBlobResponse>,
  { key, sha256, bytes }: Blob,
): AsyncGenerator<Uint8Array> {
  const digest = createHash('sha256');
  let count = 0;
  for await (const { data } of messages) {
    count += data.length;
    if (count > bytes) break;
    digest.update(data);
    yield data;
  }
  if (count !== bytes || digest.digest('hex') !== sha256) {
    throw new TrikdError(
      'corrupt',
      `${key} at the server is not what the run says: expected ${bytes} bytes of ${sha256}`,
    );
  }
}

function serverRun(run: Run | undefined, what: string): ServerRun {
  if (!run) throw new TrikdError('invalid', `${what} answered without a run`);
  const { runId, specDigest: digest, phase, failure, progress, stages: endedStages } = run;
  const stages = endedStages.map(trainedStage);
  return { runId, digest, phase: runPhaseOf(phase), failure, percent: progress?.percent ?? 0, stages };
}

function trainedStage({ stage, steps, learners }: StageResult): TrainedStage {
  const named = learners.map(
    ({ participant, best }) => [participant, best ? { best: toBestParams(best) } : {}] as const,
  );
  return { stage, steps, learners: Object.fromEntries(named) };
}

/** What the events of a run say of its training. */
interface Training {
  /** In which it had a trio and was not paused. */
  readonly seconds: number;
  /** Of the process that trained the result, in its last attempt. */
  readonly numerics: string;
}

/** The trainer of the result of a run. */
interface Trainer {
  /** Index of the stage. */
  readonly stage: number;
  readonly role: TrainedRole;
}

/** Phases in which a run works on its trio. */
const WORKING: ReadonlySet<number> = new Set([RUN_PHASES.preparing, RUN_PHASES.training, RUN_PHASES.promoting]);

/** Reads the events of a run from the first one on. Those that are not stored any more do not count. */
export async function trainingIn(
  events: AsyncIterable<Pick<WatchRunResponse, 'event' | 'time' | 'number'>>,
  { stage, role }: Trainer,
): Promise<Training> {
  const wanted = fromRole(role);
  let [milliseconds, since]: [number, number | undefined] = [0, undefined];
  let numerics = 'not reported';
  for await (const { event, time } of events) {
    if (event?.$case !== 'phaseChanged') continue;
    const at = time?.getTime();
    if (since !== undefined && at !== undefined) milliseconds += Math.max(0, at - since);
    since = WORKING.has(event.value.phase) ? at : undefined;
    if (event.value.stage !== stage) continue;
    const own = event.value.numerics.find((each) => each.role === wanted)?.numerics;
    if (own) numerics = numericsText(own);
  }
  return { seconds: milliseconds / 1e3, numerics };
}
