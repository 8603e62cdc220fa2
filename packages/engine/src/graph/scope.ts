import type { LayersModel, Scalar, Tensor, Variable as TfVariable } from '@tensorflow/tfjs';
import { TF } from '../dtype.js';
import { EngineError } from '../errors.js';
import type { Attribute, Output } from '../native.js';
import { tf } from '../tfjs-internals/tf.js';
import type { ActiveGraph } from './active-graph.js';
import { differentiate } from './gradients.js';
import { applyGradients, clipByGlobalNorm, type Gradient, type Optimizer } from './optimizer.js';
import { RandomDraws, type RandomSource } from './random-draws.js';
import type { Variable, Variables } from './variables.js';

/** A queue that a function fills or empties in the middle of its run. */
export interface Port {
  readonly shape: readonly number[];
  /** What the host runs: dequeues from an out port, or feeds and enqueues into an in port. */
  readonly dequeue?: Output;
  readonly enqueue?: { readonly placeholder: number; readonly operation: number };
}

/** How gradients change what they are of. */
export interface Update {
  readonly optimizer: Optimizer;
  readonly learningRate: Scalar;
  /** Limit of the global gradient norm; undefined turns clipping off. */
  readonly clipNorm?: Scalar | undefined;
}

export interface Minimize extends Update {
  readonly loss: () => Scalar;
}

/** A loss, and its gradient by each trainable param. */
export interface LossGradients {
  readonly value: Scalar;
  /** In the order of the params, which is the same for every loss. */
  readonly gradients: readonly Gradient[];
}

/** A number that is part of the state besides the params, such as one that is learned beside them. */
export interface StateScalar {
  readonly variable: Variable;
  /** Its value before the run writes it. */
  readonly value: Scalar;
}

/** What training writes besides what its optimizer updates, such as the moving statistics of a batch norm. */
export interface Statistic {
  /** What the run stores at its end. */
  readonly value: Tensor;
  /** Makes the run store this instead. */
  write(value: Tensor): void;
}

/** The ports through which replicas of a program exchange the values that they average. */
export interface AveragingPorts {
  /** Out: the values of this replica, flat, in their order. */
  readonly share: string;
  /** In: the sum of the shares of all replicas. */
  readonly sum: string;
}

/** How a model is applied. */
export interface ModelMode {
  readonly training: boolean;
  /** What decides the numbers of layers that draw at random. */
  readonly random?: RandomSource;
}

/** Frames a port may hold before the graph waits. Two: one being read, one behind it. */
const PORT_CAPACITY = 2;

const COMPONENTS: Attribute = { name: 'component_types', kind: 'types', value: [TF.FLOAT] };

/** What the body of a function builds its graph with: inputs, the model, ports, updates. */
export class Scope<Input extends string> {
  /** Operations that a run must reach besides the outputs. */
  readonly targets: number[] = [];
  /**
   * Operations that complete when the values of all in ports have arrived. A run writes no state before them, so it can be cancelled
   * until then.
   */
  readonly received: number[] = [];
  private readonly unwritten: readonly object[];

  constructor(
    /** The inputs by name. Images (uint8) arrive as float32, 0..255. */
    readonly inputs: Readonly<Record<Input, Tensor>>,
    private readonly layers: LayersModel,
    private readonly graph: ActiveGraph,
    private readonly variables: Variables,
    private readonly ports: Map<string, Port>,
  ) {
    this.unwritten = layers.weights.map((weight) => weight.read().dataId);
  }

  /** The model's output; of several, the first. See `outputs`. */
  model(input: Tensor, mode: ModelMode): Tensor {
    return this.outputs(input, mode)[0]!;
  }

  /**
   * The model's outputs. In training, batch norm uses the batch's statistics and moves its own, and layers such as dropout draw from
   * `random`.
   * @throws EngineError FAILED_PRECONDITION, naming the layer, when one draws and there is no `random`
   */
  outputs(input: Tensor, { training, random }: ModelMode): readonly Tensor[] {
    const { graph } = this;
    graph.draws = random && new RandomDraws(graph, random);
    try {
      const outputs = this.layers.apply(input, { training }) as Tensor | Tensor[];
      return Array.isArray(outputs) ? outputs : [outputs];
    } finally {
      graph.draws = undefined;
    }
  }

  /** Puts a value into an out port as soon as the graph has computed it; the host takes it while the run goes on. */
  send(name: string, value: Tensor): void {
    const queue = this.queue(name, value.shape);
    const operation = this.graph.binding.add(
      'QueueEnqueueV2',
      [queue, [this.graph.outputOf(value)]],
      [{ name: 'Tcomponents', kind: 'types', value: [TF.FLOAT] }],
    ).id;
    this.targets.push(operation);
    const dequeue: Output = [this.graph.binding.add('QueueDequeueV2', [queue], [COMPONENTS]).id, 0];
    this.ports.set(name, { shape: value.shape, dequeue });
  }

  /** A value that the host puts into an in port during the run. Only what depends on it waits. */
  receive(name: string, shape: readonly number[]): Tensor {
    const { binding } = this.graph;
    const queue = this.queue(name, shape);
    const placeholder = binding.add(
      'Placeholder',
      [],
      [
        { name: 'dtype', kind: 'type', value: TF.FLOAT },
        { name: 'shape', kind: 'shape', value: shape },
      ],
    ).id;
    const enqueue = binding.add(
      'QueueEnqueueV2',
      [queue, [[placeholder, 0]]],
      [{ name: 'Tcomponents', kind: 'types', value: [TF.FLOAT] }],
    ).id;
    this.ports.set(name, { shape, enqueue: { placeholder, operation: enqueue } });
    // After every send: the others must never wait for a value that waits for theirs.
    const dequeue = binding.add('QueueDequeueV2', [queue], [COMPONENTS], [...this.targets]);
    const shaped = binding.add('EnsureShape', [[dequeue.id, 0]], [{ name: 'shape', kind: 'shape', value: shape }]);
    this.received.push(shaped.id);
    return this.graph.wrap([shaped.id, 0], TF.FLOAT, shape);
  }

  /**
   * One update of all trainable params down the gradient of `loss`. In ports come before it, or inside the loss.
   * @throws EngineError UNIMPLEMENTED, with the op, when tfjs has no gradient of it
   */
  minimize({ loss, ...update }: Minimize): { loss: Tensor; gradientNorm: Tensor } {
    const all = this.gradients(() => ({ loss: loss() }));
    return { loss: all.loss.value, gradientNorm: this.apply(all.loss.gradients, update) };
  }

  /**
   * The gradients of several losses by all trainable params. `losses` runs once: there is one forward pass, and one backward pass for
   * each loss. In ports come before it, or inside of `losses`.
   * @throws EngineError UNIMPLEMENTED, with the op, when tfjs has no gradient of it
   */
  gradients<Name extends string>(losses: () => Readonly<Record<Name, Scalar>>): Readonly<Record<Name, LossGradients>> {
    const trainable = this.layers.trainableWeights.map((weight) => ({
      // tfjs-layers keeps its variable protected; the tape wants it itself.
      layer: weight['val'] as TfVariable,
      variable: this.variableOf(weight.originalName),
    }));
    const differentiated = differentiate(
      losses,
      trainable.map(({ layer }) => layer),
    );
    const results: Partial<Record<Name, LossGradients>> = {};
    for (const name of Object.keys(differentiated) as Name[]) {
      const { value, gradients } = differentiated[name];
      const own = trainable.map(({ variable }, index): Gradient => {
        const gradient = gradients[index];
        if (gradient) return { variable, gradient };
        throw new EngineError('INVALID_ARGUMENT', 'the loss does not depend on this param', variable.name);
      });
      results[name] = { value, gradients: own };
    }
    return results as Record<Name, LossGradients>;
  }

  /**
   * One update of variables down their gradients, after all in ports that were declared before.
   * @returns the norm of the gradients together, before they are clipped
   */
  apply(gradients: readonly Gradient[], { optimizer, learningRate, clipNorm }: Update): Tensor {
    const { graph, variables, received } = this;
    const { norm, clipped } = clipByGlobalNorm(graph, gradients, clipNorm);
    this.targets.push(...applyGradients({ graph, variables, learningRate, after: received }, optimizer, clipped));
    return norm;
  }

  /** The statistics that the model has written so far. */
  statistics(): readonly Statistic[] {
    return this.layers.weights
      .filter((weight, index) => weight.read().dataId !== this.unwritten[index])
      .map((weight) => ({ value: weight.read(), write: (value) => weight.write(value) }));
  }

  /**
   * The means of values over replicas that run the same function, each on its part of a batch. The host adds the shares up. All that a
   * replica writes comes after the sum has arrived.
   */
  averaged(values: readonly Tensor[], replicas: number, ports: AveragingPorts): readonly Tensor[] {
    const flat = tf.concat(values.map((value) => tf.reshape(value, [-1])));
    this.send(ports.share, flat);
    const mean = tf.mul(this.receive(ports.sum, flat.shape), 1 / replicas);
    const parts = tf.split(
      mean,
      values.map(({ size }) => size),
    );
    return values.map(({ shape }, index) => tf.reshape(parts[index]!, shape));
  }

  /** A scalar of the state, which starts from `initial`. It is saved and restored as the slots of an optimizer are. */
  scalar(name: string, initial: number): StateScalar {
    const variable = this.variables.declare(name, [], Float32Array.of(initial), 'slot');
    return { variable, value: this.variables.value(variable) as Scalar };
  }

  /** The same value as a constant: no gradient flows through it. */
  detached<T extends Tensor>(value: T): T {
    return this.graph.wrap(this.graph.outputOf(value), TF.FLOAT, value.shape) as T;
  }

  private variableOf(name: string): Variable {
    const variable = this.variables.all.get(name);
    if (!variable) throw new EngineError('INTERNAL', 'a weight was made while tracing', name);
    return variable;
  }

  private queue(name: string, shape: readonly number[]): Output {
    if (this.ports.has(name)) throw new EngineError('ALREADY_EXISTS', 'two ports have this name', name);
    const attributes: Attribute[] = [
      COMPONENTS,
      { name: 'shapes', kind: 'shapes', value: [shape] },
      { name: 'capacity', kind: 'int', value: PORT_CAPACITY },
      { name: 'shared_name', kind: 'string', value: `port/${name}` },
    ];
    return [this.graph.binding.add('FIFOQueueV2', [], attributes).id, 0];
  }
}
