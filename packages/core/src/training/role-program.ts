import {
  EngineError,
  type FunctionDefinition,
  float32,
  int32,
  type Optimizer,
  type Program,
  type Scalar,
  type Scope,
  type Session,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type TraceOptions,
  tf,
  trace,
  uint8,
  usesOwnKernels,
} from '@trikd/engine';
import type { Dataset } from '../data/split.js';
import type { MixTensors } from '../losses/loss.js';
import { learnedOf, termValue } from '../losses/objective.js';
import { buildModel, modelSeed } from '../models/build-model.js';
import { loadedNetwork } from '../models/module/module-spec.js';
import type { ModelSpec } from '../models/registry.js';
import { mixesOf } from '../spec/data-spec.js';
import type { OptimizerSpec } from '../spec/role-spec.js';
import type { RunSpec } from '../spec/run-spec.js';
import { type Learner, replicasOf, type Stage, sourcesOf } from '../stages/stage.js';
import { taskOf } from '../tasks/task-of.js';
import { learnedTemperatures, updateParams } from './update-params.js';

/** Names of the functions of a model's program, and of its out port. */
export const TRAIN = 'train';
export const PREDICT = 'predict';
export const LOGITS = 'logits';

/** Inputs of `train` that have a row for each example of the batch. */
export const BATCH_INPUTS: readonly string[] = ['images', 'labels', 'mixLabels', 'mixShares'];

/** The ports of `train` through which replicas exchange what they average. No participant can have such a name. */
export const AVERAGING = { share: 'replicas/share', sum: 'replicas/sum' } as const;

/** What determines the graph of a model besides its own settings. */
export interface ProgramContext {
  readonly spec: RunSpec;
  readonly dataset: Dataset;
}

/** The inputs that carry the weight of a term and its temperature; if that is learned, how far its gradient is reversed. */
export const weightInput = (index: number) => `weight${index}`;
export const temperatureInput = (index: number) => `temperature${index}`;
export const reversalInput = (index: number) => `reversal${index}`;

/**
 * Traces the program of a trainer: `train` is one step with the exchange inside it, `predict` computes logits, and the
 * embedding of a task that has one. Both take [batchSize, height, width, channels] images of uint8. Each replica of a learner that has
 * several runs the same program; its `train` takes a part of the batch, and averages gradients, statistics and reported numbers.
 */
export function traceTrainer(context: ProgramContext, stage: Stage, learner: Learner): Program {
  const { spec, dataset } = context;
  const seed = modelSeed(spec.seed, stage.index, learner.name);
  const build = () => buildModel(learner.model, dataset, taskOf(spec).head(dataset), seed);
  const functions = { [TRAIN]: trainFunction(context, stage, learner), [PREDICT]: predictFunction(context) };
  return traced(context, learner.model, (options) => trace(build, functions, options));
}

/** Traces a model for inference only. */
export function tracePredictor(context: ProgramContext, model: ModelSpec): Program {
  const { spec, dataset } = context;
  const build = () => buildModel(model, dataset, taskOf(spec).head(dataset), 0);
  return traced(context, model, (options) => trace(build, { [PREDICT]: predictFunction(context) }, options));
}

/** The model of a module may have anything in it: what the engine refuses is a mistake of its author. */
function traced(
  { spec, dataset }: ProgramContext,
  model: ModelSpec,
  work: (options: TraceOptions) => Program,
): Program {
  try {
    return work({ ownKernels: usesOwnKernels(spec.engine) });
  } catch (cause) {
    if (model.kind !== 'module' || !(cause instanceof EngineError)) throw cause;
    throw loadedNetwork(model).untraceable(model, dataset, taskOf(spec).head(dataset), cause);
  }
}

/** The function of a served model that takes so many rows. */
export const servedFunction = (rows: number) => `${PREDICT}-${rows}`;

/**
 * Traces a model for serving: `predict` as for evaluation, and the same function for batches of other sizes, whose images are float32
 * with values 0..255.
 * @param sizes rows of a batch
 */
export function traceServed(context: ProgramContext, model: ModelSpec, sizes: readonly number[]): Program {
  const { spec, dataset } = context;
  const build = () => buildModel(model, dataset, taskOf(spec).head(dataset), 0);
  const { height, width, channels } = dataset;
  const served = sizes.map((rows) => [
    servedFunction(rows),
    predictFunction(context, float32(rows, height, width, channels)),
  ]);
  const functions = { [PREDICT]: predictFunction(context), ...Object.fromEntries(served) };
  return traced(context, model, (options) => trace(build, functions, options));
}

function imagesSpec({ spec, dataset }: ProgramContext, rows = spec.batchSize) {
  return uint8(rows, dataset.height, dataset.width, dataset.channels);
}

function predictFunction(context: ProgramContext, images = imagesSpec(context)): FunctionDefinition<'images'> {
  return {
    inputs: { images },
    body(scope) {
      const normalised = normalise(scope.inputs.images, context.dataset);
      const [logits, embedding] = scope.outputs(normalised, { training: false });
      return { logits: logits!, ...(embedding && { embedding }) };
    },
  };
}

/** One step: forward pass, own logits out, the others' logits in, objective, backward pass, update. */
function trainFunction(context: ProgramContext, stage: Stage, learner: Learner): FunctionDefinition {
  const { spec, dataset } = context;
  const { optimizer, clipNorm, objective: terms } = learner;
  const sources = sourcesOf(stage, learner);
  const mixes = mixesOf(spec.augment).length > 0;
  const replicas = replicasOf(learner);
  const rows = spec.batchSize / replicas;
  return {
    inputs: {
      images: imagesSpec(context, rows),
      labels: int32(rows),
      ...(mixes && { mixLabels: int32(rows), mixShares: float32(rows) }),
      learningRate: float32(),
      seed: int32(),
      step: int32(),
      ...(clipNorm === null ? {} : { clipNorm: float32() }),
      ...Object.fromEntries(
        terms.flatMap((term, index) => [
          [weightInput(index), float32()],
          [learnedOf(term) ? reversalInput(index) : temperatureInput(index), float32()],
        ]),
      ),
      ...Object.fromEntries(Object.keys(optimizerFeeds(optimizer, 0)).map((name) => [name, float32()])),
    },
    body(scope) {
      const scalar = (name: string) => scope.inputs[name] as Scalar;
      const labels = scope.inputs.labels as Tensor1D;
      const mix = mixes
        ? { labels: scope.inputs.mixLabels as Tensor1D, shares: scope.inputs.mixShares as Tensor1D }
        : undefined;
      const task = taskOf(spec);
      const learned = learnedTemperatures(scope, terms);
      const step: { logits?: Tensor2D; values?: Tensor; correct?: Tensor } = {};
      const forward = () => {
        const random = { seed: scalar('seed'), step: scalar('step') };
        const logits = scope.model(normalise(scope.inputs.images!, dataset), { training: true, random }) as Tensor2D;
        scope.send(LOGITS, logits);
        const targets = receiveTargets(scope, sources, logits.shape);
        const weighted = terms.map((term, index) => {
          const lossAt = (temperature: Scalar) =>
            tf.mul(
              scalar(weightInput(index)),
              termValue(term, { task, logits, labels, mix, targets }, temperature),
            ) as Scalar;
          return learnedOf(term) ? learned.lossAt(index, lossAt) : lossAt(scalar(temperatureInput(index)));
        });
        step.logits = tf.keep(logits);
        step.values = tf.keep(tf.stack(weighted));
        return { logits, weighted };
      };
      const update = {
        optimizer: optimizerOf(optimizer, scalar),
        learningRate: scalar('learningRate'),
        clipNorm: clipNorm === null ? undefined : scalar('clipNorm'),
      };
      const averaged = (gradients: readonly Tensor[]): readonly Tensor[] => {
        step.correct = correct(step.logits!, labels, mix);
        if (replicas === 1) return gradients;
        const statistics = scope.statistics();
        const values = statistics.map(({ value }) => value);
        const own = [step.values!, step.correct, ...learned.gradients(), ...values, ...gradients];
        const means = scope.averaged(own, replicas, AVERAGING)[Symbol.iterator]();
        const next = <T extends Tensor>() => means.next().value as T;
        step.values = next();
        // A count of the whole batch.
        step.correct = tf.mul(next(), replicas);
        learned.learnFrom(learned.gradients().map(() => next<Scalar>()));
        for (const { write } of statistics) write(next());
        return gradients.map(() => next());
      };
      const { gradientNorm, gates } = updateParams(scope, terms, forward, update, averaged);
      learned.update(update, (index) => scalar(reversalInput(index)), gates);
      return {
        terms: step.values!,
        gradientNorm,
        correct: step.correct!,
        ...(gates.size > 0 && { gates: tf.stack(inTermOrder(gates)) }),
        ...(learned.count > 0 && { temperatures: tf.stack([...learned.temperatures()]) }),
      };
    },
  };
}

function receiveTargets(scope: Scope<string>, sources: readonly string[], shape: readonly number[]) {
  return new Map(sources.map((source) => [source, scope.receive(source, shape) as Tensor2D]));
}

const inTermOrder = (gates: ReadonlyMap<number, Scalar>): Scalar[] =>
  [...gates].toSorted(([a], [b]) => a - b).map(([, open]) => open);

/** Rows whose largest logit is the label; of two labels each counts by its share. */
function correct(logits: Tensor2D, labels: Tensor1D, mix: MixTensors | undefined): Scalar {
  const largest = tf.argMax(logits, 1);
  const right = (label: Tensor1D) => tf.cast(tf.equal(largest, label), 'float32');
  if (!mix) return tf.sum(right(labels));
  return tf.sum(tf.add(tf.mul(mix.shares, right(labels)), tf.mul(tf.sub(1, mix.shares), right(mix.labels))));
}

/** Normalises pixels 0..255 to zero mean and unit variance over the training split, per channel. */
function normalise(images: Tensor, { mean, std }: Dataset): Tensor {
  const scale = tf.tensor1d(std.map((deviation) => 1 / (255 * deviation)));
  const shift = tf.tensor1d(mean.map((value, channel) => -value / std[channel]!));
  return tf.add(tf.mul(images, scale), shift);
}

/**
 * Determines the random numbers of a step, such as dropout masks: the seed of the learner's model in its stage, and the step. A
 * step that is trained again, after a resume or in another process, draws the same numbers.
 * @param rank of the replica that draws; each draws numbers of its own
 */
export function randomFeeds(
  { seed }: RunSpec,
  stage: Stage,
  learner: Learner,
  step: number,
  rank = 0,
): Readonly<Record<'seed' | 'step', Int32Array>> {
  const name = rank === 0 ? learner.name : `${learner.name}/${rank}`;
  return { seed: Int32Array.of(modelSeed(seed, stage.index, name)), step: Int32Array.of(step) };
}

/** The numbers that are fed to the optimizer at a step; their names are inputs of `train`. */
export function optimizerFeeds(optimizer: OptimizerSpec, step: number): Readonly<Record<string, number>> {
  if (optimizer.kind === 'sgd') return { momentum: optimizer.momentum, weightDecay: optimizer.weightDecay };
  const { beta1, beta2, epsilon, weightDecay } = optimizer;
  return { beta1, beta2, epsilon, weightDecay, updates: step + 1 };
}

function optimizerOf(optimizer: OptimizerSpec, scalar: (name: string) => Scalar): Optimizer {
  const weightDecay = scalar('weightDecay');
  if (optimizer.kind === 'sgd') {
    return {
      kind: 'sgd',
      momentum: scalar('momentum'),
      nesterov: optimizer.nesterov,
      weightDecay,
      decoupled: optimizer.decoupled,
    };
  }
  const [beta1, beta2, epsilon, updates] = ['beta1', 'beta2', 'epsilon', 'updates'].map(scalar) as [
    Scalar,
    Scalar,
    Scalar,
    Scalar,
  ];
  return { kind: 'adamw', beta1, beta2, epsilon, weightDecay, updates };
}

/** A model in a session, as the training loop uses it. Its functions are those of `role-program.ts`. */
export type ModelSession = Pick<Session, 'run' | 'take' | 'put' | 'state' | 'assign' | 'close'>;
