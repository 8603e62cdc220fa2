import { TrikdError } from '@trikd/core/domain/errors';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { ExpectedParams } from '@trikd/core/training/expected-params';
import { loadDataset, ownData } from '@trikd/model-host/data/load-dataset';
import { quietTensorFlow } from '@trikd/process/environment';
import { ownLimits } from '../own-limits.js';
import { learnerAt, stageOf } from '../participants.js';
import type { Shell } from '../shell.js';

/** What the blobs of a learner contain. */
type ExpectedBlobs = Readonly<Record<'state' | 'best', ExpectedParams>>;

/**
 * The params that a learner of a stage has.
 * @param generation index of the stage
 * @throws TrikdError 'invalid' when there is no such learner
 */
export type ExpectedOf = (generation: number, learner: string) => ExpectedBlobs;

/** Traces the models of a spec. Their shapes depend on the data: returns a sentence when this machine does not have them. */
export async function expectedByLearner(spec: RunSpec, env: Shell['env']): Promise<ExpectedOf | string> {
  try {
    const dataset = await loadDataset(spec, ownData(ownLimits(env)));
    quietTensorFlow();
    // TensorFlow takes a second to load, and no other command needs it.
    const { expectedInCheckpoint } = await import('@trikd/core/training/expected-params');
    const traced = new Map<string, ExpectedBlobs>();
    return (generation, name) => {
      const learner = learnerAt(spec, generation, name);
      // Generations have the same models.
      const { model, optimizer, objective } = learner;
      const alike = JSON.stringify([model, optimizer, objective]);
      const known = traced.get(alike) ?? expectedInCheckpoint(spec, dataset, stageOf(spec, generation), learner);
      traced.set(alike, known);
      return known;
    };
  } catch (error) {
    if (error instanceof TrikdError && error.kind === 'not-found') return error.message;
    throw error;
  }
}
