import { atOnce } from '@trikd/core/async/slices';
import { imageBytes } from '@trikd/core/data/image-source';
import { type Dataset, splitDataset } from '@trikd/core/data/split';
import { makingIdentities } from '@trikd/core/data/synthetic';
import type { ModelGraph } from '@trikd/core/export/model-graph';
import { graphOfRun } from '@trikd/core/export/read-layers';
import type { HostTensor, Params } from '@trikd/core/models/params';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { openJudged } from '@trikd/core/training/judge';
import { tracePredictor } from '@trikd/core/training/role-program';
import { expectedParams } from '@trikd/core/training/sessions';
import type { WrittenSpec } from '../specs/presets.js';
import { datasetFor } from '../specs/spec-for.js';

/** A model that was not trained, with what it says of images. */
export interface RandomModel {
  readonly graph: ModelGraph;
  readonly params: Params;
  /** Of uint8, one after another: those of the synthetic test split. */
  readonly images: Uint8Array;
  /** Its outputs for them, by the engine. */
  readonly outputs: Float32Array;
}

/** What decides a random model. */
export interface RandomModelSettings {
  readonly model: NonNullable<WrittenSpec['student']>['model'];
  /** Sides and channels of the images, and their number. */
  readonly data: Extract<WrittenSpec['data'], { readonly kind: 'synthetic' | 'synthetic-identities' }>;
  readonly task?: WrittenSpec['task'];
}

/** A model with random params. Those of batch norm are as training leaves them, not 0 and 1. */
export async function randomModel({ model, data, task }: RandomModelSettings): Promise<RandomModel> {
  const spec = RunSpec.parse({
    ...{ name: 'random', method: 'ce', data, batchSize: 32, epochs: 1, warmupSteps: 0 },
    student: { model },
    engine: { threads: 1 },
    ...(task && { task }),
  });
  const dataset = datasetOf(spec);
  const own = spec.student!.model;
  const params = randomParams(spec, dataset);
  const graph = await graphOfRun(spec, dataset, own, params);
  const judged = await openJudged(spec, dataset, own, params);
  try {
    const images = dataset.test.images.subarray(0, dataset.test.count * imageBytes(dataset));
    const { logits, embedding } = await judged.outputs(images);
    return { graph, params, images, outputs: embedding ?? logits! };
  } finally {
    await judged.close();
  }
}

function datasetOf(spec: RunSpec): Dataset {
  const { data } = spec;
  if (data.kind !== 'synthetic-identities') return datasetFor(spec);
  return splitDataset(atOnce(makingIdentities(data, spec.seed)), data, spec.seed);
}

function randomParams(spec: RunSpec, dataset: Dataset): Params {
  const random = uniform(1);
  const expected = expectedParams(tracePredictor({ spec, dataset }, spec.student!.model), ['param']);
  return new Map(
    [...expected].map(([name, { shape }]): [string, HostTensor] => {
      const [least, most] = rangeOf(name, shape);
      const length = shape.reduce((product, size) => product * size, 1);
      return [name, { dtype: 'float32', shape, data: Float32Array.from({ length }, () => random(least, most)) }];
    }),
  );
}

/** Kernels keep the size of what goes through them. */
function rangeOf(name: string, shape: readonly number[]): readonly [least: number, most: number] {
  if (name.endsWith('/moving_variance')) return [0.5, 2];
  if (name.endsWith('/gamma')) return [0.5, 1.5];
  if (shape.length < 2) return [-0.5, 0.5];
  const inputs = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const most = Math.sqrt(6 / inputs);
  return [-most, most];
}

/** Numbers between two, the same for the same seed (a linear congruential generator: Park and Miller 1988). */
function uniform(seed: number): (least: number, most: number) => number {
  let state = seed;
  return (least, most) => {
    state = (state * 48_271) % 2_147_483_647;
    return least + ((most - least) * state) / 2_147_483_647;
  };
}
