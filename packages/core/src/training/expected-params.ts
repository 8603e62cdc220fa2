import type { Program, TensorSpec } from '@trikd/engine';
import type { Dataset } from '../data/split.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { Learner, Stage } from '../stages/stage.js';
import { traceTrainer } from './role-program.js';

/** The expected type and shape of params, by name. */
export type ExpectedParams = ReadonlyMap<string, TensorSpec>;

/** The expected params of a program: `param` selects the model's, `slot` the optimizer's. */
export function expectedParams(
  program: Program,
  kinds: readonly ('param' | 'slot')[] = ['param', 'slot'],
): ExpectedParams {
  const wanted = [...program.variables.values()].filter(({ kind }) => kinds.includes(kind));
  return new Map(wanted.map(({ name, shape }) => [name, { dtype: 'float32', shape }]));
}

/**
 * What the blobs of a checkpoint must contain: its state and its best params, the same in every attempt. Traces the
 * learner's program.
 */
export function expectedInCheckpoint(
  spec: RunSpec,
  dataset: Dataset,
  stage: Stage,
  learner: Learner,
): Readonly<Record<'state' | 'best', ExpectedParams>> {
  const program = traceTrainer({ spec, dataset }, stage, learner);
  return { state: expectedParams(program), best: expectedParams(program, ['param']) };
}
