import { hash } from 'node:crypto';
import { encodeManifest, MANIFEST_VERSION, manifestKey, type PairManifest } from '@trikd/core/checkpoint/manifest';
import { encodeSafetensors } from '@trikd/core/checkpoint/safetensors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import type { HostTensor } from '@trikd/core/models/params';
import type { StageResult, Training } from '@trikd/core/run/state';
import { promote } from '@trikd/core/run/stored/anchor-pointer';
import { createRun, loadRun, saveRun } from '@trikd/core/run/stored/run-store';
import { specDigest } from '@trikd/core/spec/run-spec';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import type { OpenRun } from '../open-run.js';
import type { ExpectedOf } from '../verify.js';

export const spec = specFor('bare', { name: 'r' });
const datasetDigest = 'd'.repeat(64);

/** A run in the middle of generation 1, whose checkpoints hold one tensor each. */
export interface StoredRun extends OpenRun {
  /** Manifests of generation 0 (its last one), of the two pairs that the state names, and of an attempt that was lost. */
  readonly manifests: Readonly<Record<'last' | 'earlier' | 'newest' | 'lost', PairManifest>>;
}

/** What every blob of the run holds. */
export const fit = new Map([['dense/kernel', { dtype: 'float32', shape: [2] } as const]]);
export const fits: ExpectedOf = () => ({ state: fit, best: fit });

export async function storeTensor(store: ObjectStore, first: number): Promise<Blob> {
  const tensor: HostTensor = { dtype: 'float32', shape: [2], data: Float32Array.of(first, 1) };
  const bytes = encodeSafetensors(new Map([['dense/kernel', tensor]]));
  const sha256 = hash('sha256', bytes);
  const key = `runs/r/blobs/0.1/${sha256}.safetensors`;
  await store.put(key, bytes);
  return { key, sha256, bytes: bytes.length };
}

export async function storedRun(): Promise<StoredRun> {
  const store = memoryStore();
  let stored = 0;
  const blob = () => storeTensor(store, stored++);
  const best = async (accuracy: number) => ({
    step: 4,
    validation: { metrics: { accuracy, nll: 0.5 }, examples: 400 },
    params: await blob(),
  });
  const anchor = await best(0.8);
  const pair = async (at: { stage: number; step: number; attempt: number }): Promise<PairManifest> => ({
    ...{
      version: MANIFEST_VERSION,
      runId: 'r',
      ...at,
      specDigest: specDigest(spec),
      datasetDigest,
      writer: 'orchestrator 1',
    },
    frozen: at.stage > 0 ? { anchor: anchor.params.sha256 } : {},
    learners: {
      student: { state: await blob(), best: at.stage > 0 ? await best(0.5) : anchor },
      teacher: { state: await blob() },
    },
  });
  const manifests = {
    last: await pair({ stage: 0, step: 8, attempt: 2 }),
    earlier: await pair({ stage: 1, step: 4, attempt: 1 }),
    newest: await pair({ stage: 1, step: 8, attempt: 2 }),
    lost: await pair({ stage: 1, step: 8, attempt: 1 }),
  };
  for (const one of Object.values(manifests)) await store.create(manifestKey(one), encodeManifest(one));
  const ref = (one: PairManifest) => ({ step: one.step, manifestKey: manifestKey(one) });
  const result: StageResult = {
    ...{ stage: 0, steps: 8, candidate: 'student', promoted: true },
    learners: {
      student: { best: anchor, stateSha256: manifests.last.learners['student']!.state.sha256 },
      teacher: { best: await best(0.9), stateSha256: manifests.last.learners['teacher']!.state.sha256 },
    },
    pair: ref(manifests.last),
  };
  const state: Training = {
    ...{ phase: 'training', stage: 1, attempt: 2, results: [result], moves: [], losses: 0 },
    anchor: { stage: 0, params: anchor.params },
    pairs: [ref(manifests.earlier), ref(manifests.newest)],
    facts: { datasetDigest, classes: 4, totalSteps: 16, stepsPerEpoch: 8 },
  };
  const created = await createRun(store, spec);
  await saveRun(store, created, { state });
  await promote(store, 'r', { stage: 0, params: anchor.params }, 1);
  return { ...(await loadRun(store, 'r')), store, manifests };
}
