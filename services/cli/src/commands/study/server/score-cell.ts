import { readFile } from 'node:fs/promises';
import { decodeSafetensors } from '@trikd/core/checkpoint/safetensors';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { datasetOf } from '../../../run/data-limits.js';
import { scoredRun } from '../score-run.js';
import type { TrainedStage } from '../trained-run.js';

/** A run of a server that is scored. */
export interface ScoreOptions {
  /** A spec. */
  readonly spec: unknown;
  readonly stages: readonly TrainedStage[];
  /** File with the params of its result. */
  readonly params: string;
}

/** Scores the result of a run as `trainCell` does. Returns a `ScoredRun` as JSON. */
export async function scoreCell(
  { spec: parsed, stages, params }: ScoreOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const spec = RunSpec.parse(parsed);
  // This machine need not have the GPU of the server.
  const own: RunSpec = { ...spec, engine: { ...spec.engine, device: 'cpu' } };
  const load = async () => decodeSafetensors(await readFile(params)).params;
  return JSON.stringify(await scoredRun(own, await datasetOf(spec, env), stages, load));
}
