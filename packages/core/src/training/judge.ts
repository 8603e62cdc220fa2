import { Engine } from '@trikd/engine';
import { assertParamsMatch } from '../checkpoint/blobs.js';
import type { Dataset } from '../data/split.js';
import type { Score } from '../domain/score.js';
import type { Params } from '../models/params.js';
import type { ModelSpec } from '../models/registry.js';
import type { RunSpec } from '../spec/run-spec.js';
import { evaluate } from './evaluate.js';
import { expectedParams } from './expected-params.js';
import { tracePredictor } from './role-program.js';

/** A trained model, opened with the params of any checkpoint. */
export interface JudgedModel {
  /** @param scored receives the number of examples scored so far */
  score(split: 'train' | 'validation' | 'test', scored?: (examples: number) => void): Promise<Score>;
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
    close: () => session.close(),
  };
}
