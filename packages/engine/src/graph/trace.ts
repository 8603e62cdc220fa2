import type { LayersModel, Tensor } from '@tensorflow/tfjs';
import '../layers/relu-gradient.js';
import '../tfjs-internals/gather.js';
import '../tfjs-internals/host-draws.js';
import { type TensorSpec, TF, TF_DTYPE } from '../dtype.js';
import { EngineError } from '../errors.js';
import type { NativeGraph, Output } from '../native.js';
import { noteModels } from '../tfjs-internals/layers.js';
import { GRAPH_BACKEND, NodeJSKernelBackend, tf } from '../tfjs-internals/tf.js';
import { ActiveGraph, activeGraph, withActiveGraph } from './active-graph.js';
import { GraphBinding } from './graph-binding.js';
import { type Port, Scope } from './scope.js';
import { type Variable, Variables } from './variables.js';

/** A function to be traced: its inputs, and a body that writes outputs with tfjs. */
export interface FunctionDefinition<Input extends string = string> {
  readonly inputs: Readonly<Record<Input, TensorSpec>>;
  /** Runs once, while tracing. Returns the outputs by name; all of them float32. */
  body(scope: Scope<Input>): Readonly<Record<string, Tensor>>;
}

/** A traced function: what to feed, fetch and run. */
export interface TracedFunction {
  readonly inputs: ReadonlyMap<string, { readonly operation: number; readonly spec: TensorSpec }>;
  readonly outputs: ReadonlyMap<string, Output>;
  readonly targets: readonly number[];
  /** Whether it writes state or uses a port: its runs must not overlap. */
  readonly exclusive: boolean;
}

/** What a graph is made of besides the model. */
export interface TraceOptions {
  /** Whether the addon computes the convolutions and batch norms that it has kernels for; see `usesOwnKernels`. */
  readonly ownKernels?: boolean;
}

/** A graph with state and functions, ready to be loaded into any number of sessions. */
export interface Program {
  readonly graph: NativeGraph;
  readonly variables: ReadonlyMap<string, Variable>;
  readonly functions: ReadonlyMap<string, TracedFunction>;
  readonly ports: ReadonlyMap<string, Port>;
  /** How many operations the graph has, by type: what tells a second forward pass from one. */
  readonly operations: ReadonlyMap<string, number>;
  /** The shape of each output of each node, by the name of the node; -1 where it is not known before the node runs. */
  readonly shapes: ReadonlyMap<string, readonly (readonly number[])[]>;
}

/**
 * Traces functions over one model into a TensorFlow graph: "tf.function for tfjs". The kernels of tfjs-node write
 * nodes instead of computing; nothing is executed. All functions share the model's params.
 * @param build makes the model; called once, while plain numbers are computed (seeded initialisers).
 * @throws EngineError, naming the op, when a body reads data, has unknown shapes, or TensorFlow refuses a node.
 */
export function trace(
  build: () => LayersModel,
  functions: Readonly<Record<string, FunctionDefinition>>,
  { ownKernels = false }: TraceOptions = {},
): Program {
  if (activeGraph()) throw new EngineError('FAILED_PRECONDITION', 'a trace cannot begin inside another');
  useBackend('cpu');
  const forgetModel = noteModels();
  const model = build();
  const initial = model.weights.map((weight) => Float32Array.from(weight.read().dataSync()));
  const binding = new GraphBinding(ownKernels);
  const backend = new NodeJSKernelBackend(binding, 'graph');
  const graph = new ActiveGraph(binding, backend);
  const variables = new Variables(graph);
  const ports = new Map<string, Port>();
  const traced = new Map<string, TracedFunction>();
  tf.registerBackend(GRAPH_BACKEND, () => backend);
  try {
    useBackend(GRAPH_BACKEND);
    const weights = model.weights.map((weight, index) =>
      variables.declare(weight.originalName, weight.shape as number[], initial[index]!, 'param'),
    );
    for (const [name, definition] of Object.entries(functions)) {
      const enter = () => traceFunction(definition, model, weights, graph, variables, ports);
      traced.set(
        name,
        withActiveGraph(graph, () => tf.tidy(enter as () => never)),
      );
    }
  } finally {
    model.dispose();
    useBackend('cpu');
    forgetModel();
    tf.removeBackend(GRAPH_BACKEND);
  }
  const { counts: operations, shapes } = binding;
  return { graph: binding.graph, variables: variables.all, functions: traced, ports, operations, shapes };
}

function traceFunction(
  definition: FunctionDefinition,
  model: LayersModel,
  weights: readonly Variable[],
  graph: ActiveGraph,
  variables: Variables,
  ports: Map<string, Port>,
): TracedFunction {
  model.weights.forEach((weight, index) => {
    weight.write(variables.value(weights[index]!));
  });
  const before = model.weights.map((weight) => weight.read().dataId);
  const inputs = new Map<string, { operation: number; spec: TensorSpec }>();
  const tensors: Record<string, Tensor> = {};
  for (const [name, spec] of Object.entries(definition.inputs)) {
    const operation = placeholder(graph, spec);
    inputs.set(name, { operation, spec });
    tensors[name] = inputTensor(graph, operation, spec);
  }
  const scope = new Scope(tensors, model, graph, variables, ports);
  const results = definition.body(scope);
  const outputs = new Map(Object.entries(results).map(([name, tensor]) => [name, outputOf(graph, name, tensor)]));
  // Statistics that the body has written become assignments at the end of the run.
  model.weights.forEach((weight, index) => {
    if (weight.read().dataId === before[index]) return;
    const attributes = [{ name: 'dtype', kind: 'type', value: TF.FLOAT } as const];
    const written = [weights[index]!.handle, graph.outputOf(weight.read())];
    scope.targets.push(graph.binding.add('AssignVariableOp', written, attributes, scope.received).id);
  });
  const { targets, received } = scope;
  return { inputs, outputs, targets, exclusive: targets.length > 0 || received.length > 0 };
}

function outputOf(graph: ActiveGraph, name: string, tensor: Tensor): Output {
  if (tensor.dtype !== 'float32') {
    throw new EngineError('INVALID_ARGUMENT', `an output must be float32, not ${tensor.dtype}: cast it`, name);
  }
  return graph.outputOf(tensor);
}

function placeholder(graph: ActiveGraph, { dtype, shape }: TensorSpec): number {
  return graph.binding.add(
    'Placeholder',
    [],
    [
      { name: 'dtype', kind: 'type', value: TF_DTYPE[dtype] },
      { name: 'shape', kind: 'shape', value: shape },
    ],
  ).id;
}

/** tfjs has no uint8: such inputs are cast on the device, so that a quarter of the bytes travels there. */
function inputTensor(graph: ActiveGraph, operation: number, { dtype, shape }: TensorSpec): Tensor {
  if (dtype !== 'uint8') return graph.wrap([operation, 0], TF_DTYPE[dtype], shape);
  const cast = graph.binding.add('Cast', [[operation, 0]], [{ name: 'DstT', kind: 'type', value: TF.FLOAT }]);
  return graph.wrap([cast.id, 0], TF.FLOAT, shape);
}

function useBackend(name: string): void {
  // Both backends initialise at once; the promise is for those that do not.
  void tf.setBackend(name);
  if (tf.getBackend() !== name) throw new EngineError('INTERNAL', `tfjs has no backend ${name}`);
}
