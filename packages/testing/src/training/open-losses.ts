import { type LossSpec, lossValue } from '@trikd/core/losses/registry';
import {
  Engine,
  type FunctionDefinition,
  float32,
  int32,
  type Scalar,
  type Session,
  softmaxCrossEntropy,
  type Tensor1D,
  type Tensor2D,
  tf,
  trace,
} from '@trikd/engine';

/** Sides of one shape, as plain numbers. */
export interface LossCase {
  readonly logits: readonly (readonly number[])[];
  readonly target: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly temperature: number;
}

/** Computes losses of one shape in a graph. */
export interface GraphLosses {
  /** For each loss, in their order: its value, and its gradient with respect to the logits. */
  compute(of: LossCase): Promise<readonly { readonly value: number; readonly gradient: Float32Array }[]>;
  close(): Promise<void>;
}

/** Traces losses of [rows, classes] into one function of a graph: as a step runs them, apart from the model. */
export async function openLosses(specs: readonly LossSpec[], rows: number, classes: number): Promise<GraphLosses> {
  const program = trace(emptyModel, { losses: definition(specs, rows, classes) });
  const engine = await Engine.open({ device: 'cpu', threads: 1, xla: false, precision: 'float32' });
  const session: Session = await engine.load(program);
  const compute: GraphLosses['compute'] = async ({ logits, target, labels, temperature }) => {
    const outputs = await session.run('losses', {
      logits: Float32Array.from(logits.flat()),
      target: Float32Array.from(target.flat()),
      labels: Int32Array.from(labels),
      temperature,
    });
    return specs.map((_, i) => ({ value: outputs[`value${i}`]![0]!, gradient: outputs[`gradient${i}`]! }));
  };
  return { compute, close: () => session.close() };
}

function definition(specs: readonly LossSpec[], rows: number, classes: number): FunctionDefinition {
  const matrix = float32(rows, classes);
  return {
    inputs: { logits: matrix, target: matrix, labels: int32(rows), temperature: float32() },
    body({ inputs }) {
      const fixed = {
        target: inputs.target as Tensor2D,
        labels: inputs.labels as Tensor1D,
        temperature: inputs.temperature as Scalar,
        ops: { tf, softmaxCrossEntropy },
      };
      const outputs = specs.flatMap((spec, index) => {
        const f = (logits: Tensor2D) => lossValue(spec, { logits, ...fixed });
        const { value, grad } = tf.valueAndGrad((logits) => f(logits as Tensor2D))(inputs.logits!);
        return [[`value${index}`, value] as const, [`gradient${index}`, grad] as const];
      });
      return Object.fromEntries(outputs);
    },
  };
}

/** A trace needs a model. */
function emptyModel() {
  const input = tf.input({ shape: [1] });
  const output = tf.layers.activation({ activation: 'linear' }).apply(input) as typeof input;
  return tf.model({ inputs: input, outputs: output });
}
