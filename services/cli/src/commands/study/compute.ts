import type { ImageShape } from '@trikd/core/data/image-source';
import { TrikdError } from '@trikd/core/domain/errors';
import { modelCost } from '@trikd/core/models/model-cost';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { Frozen, Learner } from '@trikd/core/stages/stage';
import { stagesOf } from '@trikd/core/stages/stages-of';
import type { TaskFacts } from '@trikd/core/tasks/task';
import { taskOf } from '@trikd/core/tasks/task-of';
import type { Shell } from '../../terminal/shell.js';
import { explained, knownData } from '../explain/explain.js';

/** A backward pass computes gradients by the inputs and by the params: it multiplies twice as often as a forward pass. */
const BACKWARD = 2;

/** What a study knows of the data of a run. */
export interface DataFacts extends ImageShape, TaskFacts {
  /** Training images. */
  readonly train: number;
}

/**
 * Multiplications with an addition that one step of each stage costs, by the name of the stage: those of all passes of all its models
 * through the batch, as `trikd explain` counts them. Validations are left out.
 */
export function stepCosts(spec: RunSpec, data: DataFacts): Readonly<Record<string, number>> {
  const head = taskOf(spec).head(data);
  const costs = new Map(
    stagesOf(spec).map((stage) => {
      const models = [...stage.learners, ...stage.frozen];
      // A model of another server costs nothing here.
      const costOf = (each: Learner | Frozen) => ('model' in each ? modelCost(each.model, data, head).multiplyAdds : 0);
      return [stage.name, new Map(models.map((each) => [each.name, costOf(each)]))];
    }),
  );
  const { stages } = explained(spec, { train: data.train, shape: data });
  return Object.fromEntries(
    stages.map(({ name: stage, learners, frozen }) => {
      const passes = [...learners, ...frozen].map(({ name, perStep: { forward, backward } }) => {
        return costs.get(stage)!.get(name)! * (forward + BACKWARD * backward);
      });
      return [stage, spec.batchSize * passes.reduce((sum, each) => sum + each, 0)];
    }),
  );
}

/** What a run costs that no stage of which ends early, in multiplications with an addition. */
export function plannedCompute(spec: RunSpec, data: DataFacts): number {
  const costs = stepCosts(spec, data);
  const perEpoch = Math.floor(data.train / spec.batchSize);
  return stagesOf(spec).reduce((sum, { name, epochs }) => sum + costs[name]! * epochs * perEpoch, 0);
}

/** Reads what is known of the data of runs, once for each set of data: the seed changes no size. */
export function knownFacts(env: Shell['env']): (spec: RunSpec) => Promise<DataFacts> {
  const known = new Map<string, Promise<DataFacts>>();
  return (spec) => {
    const key = JSON.stringify([spec.data, spec.task]);
    const facts = known.get(key) ?? factsOf(spec, env);
    known.set(key, facts);
    return facts;
  };
}

async function factsOf(spec: RunSpec, env: Shell['env']): Promise<DataFacts> {
  const { train, shape, problem } = await knownData(spec, env);
  if (train !== undefined && shape) return { ...shape, train };
  throw new TrikdError('invalid', problem ?? 'the size of the data is not known');
}
