import type { Scalar, Tensor, Variable as TfVariable } from '@tensorflow/tfjs';
import { EngineError } from '../errors.js';
import { tf } from '../tfjs-internals/tf.js';

/** A loss with its gradient by each variable, in their order; undefined where the loss does not depend on it. */
export interface Differentiated {
  readonly value: Scalar;
  readonly gradients: readonly (Tensor | undefined)[];
}

/**
 * The gradients of several losses of one forward pass. tfjs differentiates the one result of a function, and runs the function for it.
 * So the function runs for the first loss, and the others are differentiated inside of it, on the tape that it has recorded until
 * then. Each loss adds one backward pass to the graph.
 * @throws EngineError UNIMPLEMENTED, with the op, when tfjs has no gradient of it
 */
export function differentiate<Name extends string>(
  losses: () => Readonly<Record<Name, Scalar>>,
  variables: TfVariable[],
): Readonly<Record<Name, Differentiated>> {
  const inner: [string, Differentiated][] = [];
  let outermost = '';
  const differentiated = differentiateOne(() => {
    const [first, ...others] = Object.entries<Scalar>(losses());
    if (!first) throw new EngineError('INVALID_ARGUMENT', 'there is no loss to differentiate');
    for (const [name, loss] of others) {
      inner.push([name, keep(differentiateOne(() => loss, variables))]);
    }
    outermost = first[0];
    return first[1];
  }, variables);
  const all = [[outermost, differentiated] as const, ...inner.map(([name, each]) => [name, release(each)] as const)];
  return Object.fromEntries(all) as Record<Name, Differentiated>;
}

function differentiateOne(loss: () => Scalar, variables: TfVariable[]): Differentiated {
  try {
    const { value, grads } = tf.variableGrads(loss, variables);
    return { value, gradients: variables.map(({ name }) => grads[name]) };
  } catch (error) {
    // tfjs throws plain errors; those about gradients name the op.
    if (error instanceof EngineError || !(error instanceof Error) || !/gradient/i.test(error.message)) throw error;
    throw new EngineError('UNIMPLEMENTED', `tfjs cannot differentiate the loss: ${error.message}`, '', {
      cause: error,
    });
  }
}

/** Copies that outlive the function that tfjs differentiates. A copy is another handle of the same output, not a node. */
function keep({ value, gradients }: Differentiated): Differentiated {
  const copy = <T extends Tensor>(tensor: T): T => tf.keep(tf.clone(tensor));
  return { value: copy(value), gradients: gradients.map((each) => each && copy(each)) };
}

/** What was kept, as tensors that end with the present scope. */
function release({ value, gradients }: Differentiated): Differentiated {
  const released = <T extends Tensor>(kept: T): T => {
    const own = tf.clone(kept);
    kept.dispose();
    return own;
  };
  return { value: released(value), gradients: gradients.map((each) => each && released(each)) };
}
