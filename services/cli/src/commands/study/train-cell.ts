import { hash } from 'node:crypto';
import { decodeSafetensors, encodeSafetensors } from '@trikd/core/checkpoint/safetensors';
import { totalSteps } from '@trikd/core/data/batch';
import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import type { Params } from '@trikd/core/models/params';
import { type ReferenceResult, runReference } from '@trikd/core/reference/reference';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { readNumerics } from '@trikd/model-host/numerics';
import { systemClock } from '@trikd/process/system-clock';
import { datasetOf } from '../../run/data-limits.js';
import type { TaskProgress } from '../../run/task-process.js';
import { numericsText, type Row } from './results-file.js';
import { type ScoredRun, scoredRun } from './score-run.js';

/** The run of a cell, as its process gets it. */
export interface CellOptions {
  /** A spec. */
  readonly spec: unknown;
}

/** What the process of a cell knows of its row. */
export type CellResult = Pick<Row, 'numerics' | 'processorSeconds' | 'seconds'> & ScoredRun;

/** Milliseconds between two reports of progress. */
const REPORT_EVERY = 500;

/**
 * Trains a run in this process, whose params are those of the services bit for bit, and scores its result on all splits. Returns a
 * `CellResult` as JSON.
 */
export async function trainCell(
  { spec: parsed }: CellOptions,
  env: Readonly<Record<string, string | undefined>>,
  progress: TaskProgress,
): Promise<string> {
  const spec = RunSpec.parse(parsed);
  const dataset = await datasetOf(spec, env);
  const { save, load } = heldParams();
  const started = { wall: performance.now(), processor: process.cpuUsage() };
  const stages: ReferenceResult[] = [];
  const emit = reporter(spec, dataset, () => stages.length, progress);
  for await (const stage of runReference({ spec, dataset, save, load, emit, clock: systemClock })) stages.push(stage);
  const { user, system } = process.cpuUsage(started.processor);
  const spent = { seconds: (performance.now() - started.wall) / 1e3, processorSeconds: (user + system) / 1e6 };

  const outcome: CellResult = {
    numerics: numericsText(readNumerics(env)(spec.engine)),
    ...(await scoredRun(spec, dataset, stages, load)),
    ...spent,
  };
  return JSON.stringify(outcome);
}

/** Reports the steps of a run that are done, of all that it can have. */
function reporter(spec: RunSpec, dataset: Dataset, ended: () => number, progress: TaskProgress) {
  const lengths = stagesOf(spec).map(({ epochs }) => totalSteps(dataset.train.count, spec.batchSize, epochs));
  const all = lengths.reduce((sum, steps) => sum + steps, 0);
  let last = Number.NEGATIVE_INFINITY;
  return (_: unknown, event: { readonly kind: string; readonly progress?: { readonly nextStep: number } }) => {
    const now = performance.now();
    if (event.kind !== 'progress' || !event.progress || now - last < REPORT_EVERY) return;
    last = now;
    const before = lengths.slice(0, ended()).reduce((sum, steps) => sum + steps, 0);
    progress(spec.name, before + event.progress.nextStep, all);
  };
}

/** Params that stay in memory, for a run that ends with its process. */
export interface HeldParams {
  save(params: Params): Promise<Blob>;
  load(blob: Blob): Promise<Params>;
}

function heldParams(): HeldParams {
  const held = new Map<string, Uint8Array>();
  return {
    async save(params) {
      const bytes = encodeSafetensors(params);
      const sha256 = hash('sha256', bytes);
      held.set(sha256, bytes);
      return { key: sha256, sha256, bytes: bytes.length };
    },
    async load({ sha256 }) {
      const bytes = held.get(sha256);
      if (!bytes) throw new TrikdError('not-found', `there are no params ${sha256}`);
      return decodeSafetensors(bytes).params;
    },
  };
}
