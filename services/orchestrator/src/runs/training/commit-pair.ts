import type { Clock } from '@trikd/core/async/clock';
import { within } from '@trikd/core/async/within';
import {
  blobsOf,
  encodeManifest,
  MANIFEST_VERSION,
  manifestAt,
  manifestKey,
  type PairManifest,
} from '@trikd/core/checkpoint/manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { TrainedRole } from '@trikd/core/domain/position';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import type { RunTransition } from '@trikd/core/run/advance';
import { nextLimit } from '@trikd/core/run/convergence';
import { currentStage } from '@trikd/core/run/current-stage';
import type { PairRef, Training } from '@trikd/core/run/state';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { taskOf } from '@trikd/core/tasks/task-of';
import { attemptOf } from '../duties/scope.js';
import { digestsOf, stageInputs } from '../duties/stage-inputs.js';
import type { TrainerLink } from '../ports.js';
import { type Pair, type StageProgress, stageProgress } from './stage-progress.js';

/** Where the manifest of a pair goes, and what it says besides the pair. */
export interface CommitTarget {
  readonly spec: RunSpec;
  readonly store: ObjectStore;
  /** Names the process in manifests. */
  readonly writer: string;
  /** SHA-256 of the params of each frozen model of the stage, by name. */
  readonly frozen: Readonly<Record<string, string>>;
}

/**
 * Writes the manifest of checkpoints that are in the store. Writing it again changes nothing, also after another leader wrote it.
 * @throws TrikdError 'corrupt' for a blob that is gone or has another size, 'out-of-step' when another pair has the same position
 */
export async function commitPair(target: CommitTarget, todo: Training, { step, learners }: Pair): Promise<PairRef> {
  const { spec, store, writer, frozen } = target;
  const parts = Object.entries(learners).map(([name, { state, best }]) => [name, { state, ...(best && { best }) }]);
  const manifest: PairManifest = {
    version: MANIFEST_VERSION,
    ...attemptOf(spec, todo),
    step,
    specDigest: specDigest(spec),
    datasetDigest: todo.facts.datasetDigest,
    frozen,
    learners: Object.fromEntries(parts),
    ...(todo.numerics && { numerics: todo.numerics }),
    writer,
  };
  for (const blob of blobsOf(manifest)) await assertThere(store, blob);
  const key = manifestKey(manifest);
  if ((await store.create(key, encodeManifest(manifest))) === 'exists') await assertSame(store, key, manifest);
  return { step, manifestKey: key };
}

/** The response to an own write may have been lost, or the leader before committed the same pair. */
async function assertSame(store: ObjectStore, key: string, manifest: PairManifest): Promise<void> {
  const there = await store.get(key);
  const found = there && encodeManifest({ ...manifestAt(key, there.bytes), writer: manifest.writer });
  if (found && Buffer.compare(found, encodeManifest(manifest)) === 0) return;
  throw new TrikdError('out-of-step', `another process has committed other checkpoints as ${key}`);
}

/** A manifest is written last: over blobs that are in the store, whole. */
async function assertThere(store: ObjectStore, { key, bytes }: Blob): Promise<void> {
  const size = await store.size(key);
  if (size === bytes) return;
  throw new TrikdError(
    'corrupt',
    `blob ${key}: ${size === undefined ? 'it is gone' : `${size} bytes`}, expected ${bytes}`,
  );
}

export interface SalvagePorts {
  readonly trainers: Readonly<Record<TrainedRole, TrainerLink>>;
  readonly clock: Clock;
  readonly times: {
    /** Seconds for both trainers to respond. */
    readonly grace: number;
  };
  /** Names the process in manifests. */
  readonly writer: string;
}

/**
 * Commits the newest checkpoint that both trainers of an attempt have stored: without a leader they train on, and their checkpoints are
 * not committed. Undefined when there is none, or when a trainer does not respond. A pair at a limit is left alone, since something is
 * decided there.
 */
export async function salvage(
  store: ObjectStore,
  spec: RunSpec,
  todo: Training,
  { trainers, clock, times, writer }: SalvagePorts,
): Promise<RunTransition | undefined> {
  const stage = currentStage(spec, todo);
  const progress = stageProgress(todo, stage, taskOf(spec).primary);
  const limit = nextLimit(progress.committed(), todo.facts, stage);
  const steps = new Set<number>();
  const attempt = attemptOf(spec, todo);
  const reading = stage.learners.map(async ({ slot, name }) => {
    try {
      for await (const event of trainers[slot].past(attempt)) {
        if (event.kind === 'evaluation') progress.validated(name, event.step, event.validation);
        if (event.kind !== 'checkpoint' || event.checkpoint.step >= limit) continue;
        progress.checkpointed(name, event.checkpoint);
        steps.add(event.checkpoint.step);
      }
    } catch {
      // The trainer is gone, or its attempt has failed: what it stored before is intact.
    }
  });
  await within(Promise.all(reading), times.grace, clock);
  const pair = newestPair(progress, steps);
  if (!pair) return undefined;
  const frozen = digestsOf(await stageInputs({ spec, store }, stage, todo), stage, todo);
  const ref = await commitPair({ spec, store, writer, frozen }, todo, pair);
  return { kind: 'pair-committed', pair: ref, validations: progress.commit(ref.step) };
}

function newestPair(progress: StageProgress, steps: ReadonlySet<number>): Pair | undefined {
  for (const step of [...steps].sort((a, b) => b - a)) {
    const pair = progress.pairAt(step);
    if (pair) return pair;
  }
  return undefined;
}
