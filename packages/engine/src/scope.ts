import type { LayersModel, Scalar, Tensor, Variable as TfVariable } from '@tensorflow/tfjs';
import type { ActiveGraph } from './active-graph.js';
import { TF } from './dtype.js';
import { EngineError } from './errors.js';
import type { Attribute, Output } from './native.js';
import { applyGradients, clipByGlobalNorm, type Optimizer } from './optimizer.js';
import { RandomDraws, type RandomSource } from './random-draws.js';
import { tf } from './tfjs-internals/tf.js';
import type { Variable, Variables } from './variables.js';

/** A queue that a function fills or empties in the middle of its run. */
export interface Port {
  readonly shape: readonly number[];
  /** What the host runs: dequeues from an out port, or feeds and enqueues into an in port. */
  readonly dequeue?: Output;
  readonly enqueue?: { readonly placeholder: number; readonly operation: number };
}

export interface Minimize {
  readonly loss: () => Scalar;
  readonly optimizer: Optimizer;
  readonly learningRate: Scalar;
  /** Limit of the global gradient norm; undefined turns clipping off. */
  readonly clipNorm?: Scalar | undefined;
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

  constructor(
    /** The inputs by name. Images (uint8) arrive as float32, 0..255. */
    readonly inputs: Readonly<Record<Input, Tensor>>,
    private readonly layers: LayersModel,
    private readonly graph: ActiveGraph,
    private readonly variables: Variables,
    private readonly ports: Map<string, Port>,
  ) {}

  /**
   * The model's output. In training, batch norm uses the batch's statistics and moves its own, and layers such as dropout draw from
   * `random`.
   * @throws EngineError FAILED_PRECONDITION, naming the layer, when one draws and there is no `random`
   */
  model(input: Tensor, { training, random }: ModelMode): Tensor {
    const { graph } = this;
    graph.draws = random && new RandomDraws(graph, random);
    try {
      return this.layers.apply(input, { training }) as Tensor;
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
  minimize({ loss, optimizer, learningRate, clipNorm }: Minimize): { loss: Tensor; gradientNorm: Tensor } {
    const trainable = this.layers.trainableWeights.map((weight) => ({
      // tfjs-layers keeps its variable protected; the tape wants it itself.
      layer: weight['val'] as TfVariable,
      variable: this.variableOf(weight.originalName),
    }));
    const { value, grads } = differentiate(
      loss,
      trainable.map(({ layer }) => layer),
    );
    const gradients = trainable.map(({ layer, variable }) => {
      const gradient = grads[layer.name];
      if (!gradient) throw new EngineError('INVALID_ARGUMENT', 'the loss does not depend on this param', variable.name);
      return { variable, gradient };
    });
    const { norm, clipped } = clipByGlobalNorm(this.graph, gradients, clipNorm);
    const { graph, variables, received } = this;
    this.targets.push(...applyGradients({ graph, variables, learningRate, after: received }, optimizer, clipped));
    return { loss: value, gradientNorm: norm };
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

function differentiate(loss: () => Scalar, variables: TfVariable[]): ReturnType<typeof tf.variableGrads> {
  try {
    return tf.variableGrads(loss, variables);
  } catch (error) {
    // tfjs throws plain errors; those about gradients name the op.
    if (error instanceof EngineError || !(error instanceof Error) || !/gradient/i.test(error.message)) throw error;
    throw new EngineError('UNIMPLEMENTED', `tfjs cannot differentiate the loss: ${error.message}`, '', {
      cause: error,
    });
  }
}
