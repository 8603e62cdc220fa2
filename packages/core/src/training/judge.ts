import { Engine, type Session } from '@trikd/engine';
import { assertParamsMatch } from '../checkpoint/blobs.js';
import { imageBytes } from '../data/image-source.js';
import type { Dataset } from '../data/split.js';
import type { Score } from '../domain/role-checkpoint.js';
import type { Params } from '../models/params.js';
import type { ModelSpec } from '../models/registry.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { Outputs, TaskDetails } from '../tasks/task.js';
import { taskOf } from '../tasks/task-of.js';
import { evaluate } from './evaluate.js';
import { PREDICT, tracePredictor } from './role-program.js';
import { expectedParams } from './sessions.js';

/** A score with what it does not tell. */
export interface Examined {
  readonly score: Score;
  readonly details: TaskDetails;
}

/** A trained model, opened with the params of any checkpoint. */
export interface JudgedModel {
  /** @param scored receives the number of examples scored so far */
  score(split: 'train' | 'validation' | 'test', scored?: (examples: number) => void): Promise<Score>;
  /** The score, and where the model errs. @param scored as for `score` */
  examine(split: 'train' | 'validation' | 'test', scored?: (examples: number) => void): Promise<Examined>;
  /** What the model says of images, row by row. @param images of uint8, one after another */
  outputs(images: Uint8Array): Promise<Outputs>;
  close(): Promise<void>;
}

/**
 * Opens a model with the params of a checkpoint; optimizer slots among them are ignored.
 * @throws TrikdError 'invalid' if the params are not those of the model
 */
export async function openJudged(
  spec: RunSpec,
  dataset: Dataset,
  model: ModelSpec,
  params: Params,
): Promise<JudgedModel> {
  const program = tracePredictor({ spec, dataset }, model);
  const wanted = expectedParams(program);
  const own = new Map([...params].filter(([name]) => wanted.has(name)));
  assertParamsMatch(own, wanted, 'params of the checkpoint');
  const engine = await Engine.open(spec.engine);
  const session = await engine.load(program, own);
  return {
    score: (split, scored) => evaluate({ session, spec, dataset }, dataset[split], { scored }),
    async examine(split, scored) {
      const meter = taskOf(spec).details(dataset, dataset[split]);
      const score = await evaluate({ session, spec, dataset }, dataset[split], { scored, heard: meter.add });
      return { score, details: meter.details() };
    },
    outputs: (images) => outputsOf(session, images, imageBytes(dataset), spec.batchSize),
    close: () => session.close(),
  };
}

/** The graph has a fixed batch size: the last batch is padded, and the outputs of padding are dropped. */
async function outputsOf(
  session: Pick<Session, 'run'>,
  images: Uint8Array,
  size: number,
  batchSize: number,
): Promise<Outputs> {
  const count = images.length / size;
  const outputs: Record<string, Float32Array> = {};
  for (let first = 0; first < count; first += batchSize) {
    const batch = new Uint8Array(batchSize * size);
    batch.set(images.subarray(first * size, (first + batchSize) * size));
    for (const [name, values] of Object.entries(await session.run(PREDICT, { images: batch }))) {
      const columns = values.length / batchSize;
      outputs[name] ??= new Float32Array(count * columns);
      outputs[name].set(values.subarray(0, Math.min(batchSize, count - first) * columns), first * columns);
    }
  }
  return outputs;
}
