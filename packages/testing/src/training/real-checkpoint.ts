import { hash } from 'node:crypto';
import { assertParamsMatch, loadParams } from '@trikd/core/checkpoint/blobs';
import {
  encodeManifest,
  loadManifest,
  MANIFEST_VERSION,
  manifestKey,
  type PairManifest,
} from '@trikd/core/checkpoint/manifest';
import { encodeSafetensors } from '@trikd/core/checkpoint/safetensors';
import type { Dataset } from '@trikd/core/data/split';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { TrainedRole } from '@trikd/core/domain/position';
import type { Blob, RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import type { Params } from '@trikd/core/models/params';
import { blobsFor, type ReferenceOutcome, runReferenceStage } from '@trikd/core/reference/reference';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { learnerOf } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import { type ExpectedParams, expectedInCheckpoint } from '@trikd/core/training/sessions';
import { virtualClock } from '../clock/virtual-clock.js';
import { datasetFor, specFor } from '../specs/spec-for.js';
import { memoryStore } from '../stores/memory-store.js';

/** One object of a checkpoint, and how a trainer or an anchor reads it. */
export interface CheckpointObject {
  readonly name: string;
  readonly key: string;
  readonly bytes: Uint8Array;
  read(): Promise<unknown>;
}

/** A blob of a checkpoint, with what it must hold. */
export interface CheckpointBlob extends CheckpointObject {
  readonly blob: Blob;
  readonly params: Params;
  readonly fit: ExpectedParams;
}

/** A checkpoint that a run has trained. */
export interface RealCheckpoint {
  readonly store: ObjectStore;
  readonly manifest: PairManifest;
  readonly manifestObject: CheckpointObject;
  readonly blobs: readonly CheckpointBlob[];
  /** Sound blobs that the run wrote at other steps. */
  readonly others: readonly Blob[];
}

/** Stores params under a key that names their content. */
export async function storeBlob(store: ObjectStore, bytes: Uint8Array): Promise<Blob> {
  const sha256 = hash('sha256', bytes);
  const blob = { key: `blobs/${sha256}.safetensors`, sha256, bytes: bytes.length };
  await store.put(blob.key, bytes);
  return blob;
}

/** Reads a blob as resuming does, and the anchor. */
export async function readBlob(store: ObjectStore, blob: Blob, fit: ExpectedParams): Promise<Params> {
  const params = await loadParams(store, blob);
  assertParamsMatch(params, fit, 'params of the checkpoint');
  return params;
}

/** The last checkpoint of generation 1 of the tiny run. */
export async function realCheckpoint(): Promise<RealCheckpoint> {
  const spec = specFor('tiny');
  const dataset = datasetFor(spec);
  const store = memoryStore();
  const { anchor, outcome, written } = await trainTwoStages(store, spec, dataset);
  const { teacher, student } = trained(outcome);
  const stage = stageAt(spec, 1, true);
  const part = ({ state, best }: RoleCheckpoint) => ({ state, ...(best && { best }) });
  const manifest: PairManifest = {
    ...{ version: MANIFEST_VERSION, runId: spec.name, stage: 1, attempt: 1, step: outcome.steps, writer: 'test' },
    ...{ specDigest: specDigest(spec), datasetDigest: dataset.digest, frozen: { anchor: anchor.sha256 } },
    learners: { teacher: part(teacher), student: part(student) },
  };
  const key = manifestKey(manifest);
  const bytes = encodeManifest(manifest);
  await store.create(key, bytes);
  const blobs = [
    ...(await blobsOf(
      store,
      'teacher',
      teacher,
      expectedInCheckpoint(spec, dataset, stage, learnerOf(stage, 'teacher')),
    )),
    ...(await blobsOf(
      store,
      'student',
      student,
      expectedInCheckpoint(spec, dataset, stage, learnerOf(stage, 'student')),
    )),
  ];
  const read = () => loadManifest(store, key, manifest);
  const others = written.filter(({ key: other }) => blobs.every(({ key: own }) => own !== other));
  return { store, manifest, manifestObject: { name: 'pair manifest', key, bytes, read }, blobs, others };
}

async function trainTwoStages(store: ObjectStore, spec: RunSpec, dataset: Dataset) {
  const written: Blob[] = [];
  const run = {
    spec,
    dataset,
    clock: virtualClock(),
    load: (blob: Blob) => loadParams(store, blob),
    async save(params: Params) {
      const blob = await storeBlob(store, encodeSafetensors(params));
      written.push(blob);
      return blob;
    },
  };
  const first = await runReferenceStage(run, stageAt(spec, 0, false), {});
  const anchor = trained(first).student.best?.params;
  if (!anchor) throw new TypeError('generation 0 has no best student');
  const stage = stageAt(spec, 1, true);
  const outcome = await runReferenceStage(run, stage, blobsFor(spec, stage, [first], anchor));
  return { anchor, outcome, written };
}

/** The learners of a stage. */
function trained({ learners: { student, teacher } }: ReferenceOutcome) {
  if (!student || !teacher) throw new TypeError('a stage has a student and a teacher');
  return { student, teacher };
}

async function blobsOf(
  store: ObjectStore,
  role: TrainedRole,
  { state, best }: RoleCheckpoint,
  expected: Readonly<Record<'state' | 'best', ExpectedParams>>,
): Promise<readonly CheckpointBlob[]> {
  const describe = async (name: string, blob: Blob, fit: ExpectedParams): Promise<CheckpointBlob> => {
    const params = await readBlob(store, blob, fit);
    const read = () => readBlob(store, blob, fit);
    return { name, key: blob.key, bytes: encodeSafetensors(params), blob, params, fit, read };
  };
  return [
    await describe(`state of the ${role}`, state, expected.state),
    ...(best ? [await describe(`best params of the ${role}`, best.params, expected.best)] : []),
  ];
}
