import type { ImageShape } from '@trikd/core/data/image-source';
import { TrikdError } from '@trikd/core/domain/errors';
import { backwardPasses } from '@trikd/core/losses/gated-terms';
import { chosenMethod } from '@trikd/core/methods/registry';
import { isMeasurable, modelCost } from '@trikd/core/models/model-cost';
import type { ModelSpec } from '@trikd/core/models/registry';
import { sizeInSpec } from '@trikd/core/spec/admission';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { consumersOf, type Frozen, type Learner, type Stage } from '@trikd/core/stages/stage';
import { stagesOf } from '@trikd/core/stages/stages-of';
import type { TaskFacts } from '@trikd/core/tasks/task';
import { taskOf } from '@trikd/core/tasks/task-of';
import { loadDataset, ownData } from '@trikd/model-host/data/load-dataset';
import { loadNetworks } from '@trikd/model-host/load-networks';
import { quietTensorFlow } from '@trikd/process/environment';
import { ownLimits } from '../../run/data-limits.js';
import type { Shell } from '../../terminal/shell.js';

/** What is known of the data of a run. */
export interface KnownData {
  /** Training images. */
  readonly train?: number;
  readonly shape?: ImageShape & TaskFacts;
  /** Why the data could not be read. */
  readonly problem?: string;
}

/** Passes through a model. */
export interface Passes {
  readonly forward: number;
  readonly backward: number;
}

/** What a model costs in a stage. */
export interface ExplainedModel {
  readonly name: string;
  /** Absent for a model at an endpoint: its server alone knows. */
  readonly params?: number;
  readonly perStep: Passes;
  /** Of the whole stage, in the unit of the explanation. */
  readonly passes: Passes;
}

/** One stage. */
export interface ExplainedStage extends Pick<Stage, 'name' | 'generation' | 'decisive' | 'promotes' | 'epochs'> {
  readonly learners: readonly (ExplainedModel & Pick<Learner, 'slot' | 'init' | 'objective' | 'replicas'>)[];
  readonly frozen: readonly (ExplainedModel & Pick<Frozen, 'from'>)[];
  /** Absent where the number of training images is not known. */
  readonly steps?: number;
  /** Whether it ends when validations bring no gain. */
  readonly mayEndEarly: boolean;
}

/** The stages of a run, and what they cost. */
export interface Explained {
  readonly run: string;
  /** Absent where the spec writes out its stages. */
  readonly method?: string;
  readonly stages: readonly ExplainedStage[];
  /** What passes are counted in: batches, or epochs where the number of training images is not known. */
  readonly unit: 'steps' | 'epochs';
  /** Whether generations without gain end the run. */
  readonly mayEndEarly: boolean;
  /** Whether the params are the least that the models can have: their number depends on the data. */
  readonly leastParams: boolean;
  /** Why the data could not be read. */
  readonly problem?: string;
  readonly total: {
    readonly epochs: number;
    readonly steps?: number;
    /** By name, over all stages. */
    readonly passes: Readonly<Record<string, Passes>>;
  };
}

/** The least that data have. */
const LEAST: ImageShape & TaskFacts = { height: 1, width: 1, channels: 1, classes: 2 };

/** The stages that a run will have, as many as there can be. */
export function explained(spec: RunSpec, { train, shape, problem }: KnownData): Explained {
  const stepsPerEpoch = train === undefined ? undefined : Math.floor(train / spec.batchSize);
  const size = shape ?? LEAST;
  const paramsOf = (model: ModelSpec) =>
    isMeasurable(model, shape !== undefined) ? modelCost(model, size, taskOf(spec).head(size)).params : 0;
  const stages = stagesOf(spec).map((stage) => explainedStage(stage, stepsPerEpoch, paramsOf));
  const { patience } = spec.curriculum;
  const epochs = stages.reduce((sum, stage) => sum + stage.epochs, 0);
  return {
    run: spec.name,
    ...(!spec.stages && { method: chosenMethod(spec.method).knobs.kind }),
    stages,
    unit: stepsPerEpoch === undefined ? 'epochs' : 'steps',
    mayEndEarly: patience > 0 && stages.some(({ generation }) => generation !== undefined),
    leastParams: shape === undefined,
    ...(problem !== undefined && { problem }),
    total: {
      epochs,
      ...(stepsPerEpoch !== undefined && { steps: epochs * stepsPerEpoch }),
      passes: totals(stages),
    },
  };
}

function explainedStage(
  stage: Stage,
  stepsPerEpoch: number | undefined,
  paramsOf: (model: ModelSpec) => number,
): ExplainedStage {
  const { name, generation, decisive, promotes, epochs, convergence } = stage;
  const length = epochs * (stepsPerEpoch ?? 1);
  const cost = (model: Learner | Frozen, perStep: Passes): ExplainedModel => ({
    ...{ name: model.name, ...('model' in model && { params: paramsOf(model.model) }), perStep },
    passes: { forward: length * perStep.forward, backward: length * perStep.backward },
  });
  return {
    ...{ name, ...(generation !== undefined && { generation }), decisive, promotes, epochs },
    ...(stepsPerEpoch !== undefined && { steps: length }),
    mayEndEarly: convergence.patience > 0,
    learners: stage.learners.map((learner) => {
      const { slot, init, objective, replicas } = learner;
      const perStep = { forward: 1, backward: backwardPasses(objective) };
      return { ...cost(learner, perStep), slot, init, objective, ...(replicas !== undefined && { replicas }) };
    }),
    frozen: stage.frozen.map((frozen) => {
      const asked = consumersOf(stage, frozen.name).length > 0;
      return { ...cost(frozen, { forward: asked ? 1 : 0, backward: 0 }), from: frozen.from };
    }),
  };
}

function totals(stages: readonly ExplainedStage[]): Readonly<Record<string, Passes>> {
  const sums = new Map<string, Passes>();
  for (const { name, passes } of stages.flatMap(({ learners, frozen }) => [...learners, ...frozen])) {
    const { forward, backward } = sums.get(name) ?? { forward: 0, backward: 0 };
    sums.set(name, { forward: forward + passes.forward, backward: backward + passes.backward });
  }
  return Object.fromEntries(sums);
}

/** What is known of the data of a run. Files are read; where that fails, what the spec says of them counts. */
export async function knownData(spec: RunSpec, env: Shell['env']): Promise<KnownData> {
  const { data } = spec;
  const own = ownData(ownLimits(env));
  // Models are built, and nothing is computed with them.
  quietTensorFlow();
  await loadNetworks(spec, own.modules, own.admission);
  const made = sizeInSpec(spec);
  if (made) return { train: made.train, shape: made };
  try {
    const { height, width, channels, classes, train } = await loadDataset(spec, own);
    return { train: train.count, shape: { height, width, channels, classes } };
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    return { ...(data.train !== undefined && { train: data.train }), problem: error.message };
  }
}
