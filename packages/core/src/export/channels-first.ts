import type { Operation, Weight } from './model-graph.js';

/** A weight with its axes in another order: axis i of the result is axis `order[i]` of the weight. */
export function transposed({ name, shape, data }: Weight, order: readonly number[]): Weight {
  const sizes = order.map((axis) => shape[axis]!);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const steps = order.map((axis) => strides[axis]!);
  const moved = new Float32Array(data.length);
  const place = sizes.map(() => 0);
  let from = 0;
  for (let to = 0; to < moved.length; to++) {
    moved[to] = data[from]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      place[axis]!++;
      from += steps[axis]!;
      if (place[axis]! < sizes[axis]!) break;
      from -= steps[axis]! * sizes[axis]!;
      place[axis] = 0;
    }
  }
  return { name, shape: sizes, data: moved };
}

type Convolution = Extract<Operation, { readonly kind: 'convolution' | 'depthwise-convolution' }>;

/** The kernel of a convolution as [outputs, inputs of a group, rows, columns], and the number of groups. */
export function channelsFirst({ kind, kernel }: Convolution): { readonly kernel: Weight; readonly groups: number } {
  if (kind === 'convolution') return { kernel: transposed(kernel, [3, 2, 0, 1]), groups: 1 };
  const [rows = 0, columns = 0, inputs = 0, multiplier = 0] = kernel.shape;
  const { name, data } = transposed(kernel, [2, 3, 0, 1]);
  return { kernel: { name, shape: [inputs * multiplier, 1, rows, columns], data }, groups: inputs };
}
