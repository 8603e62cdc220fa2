import { type Attribute, type Feed, native, type Output } from '../native.js';

/** float32, row by row. */
export interface Operand {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** An operand, or an output of an earlier op: [index of the op, index of its output]. */
export type OpInput = Operand | Output;

export interface Op {
  readonly type: string;
  readonly inputs: readonly (OpInput | readonly OpInput[])[];
  readonly attributes: readonly Attribute[];
}

/** The outputs [op, output] of ops of the addon, computed with one thread. Nothing checks shapes or attributes before the addon does. */
export async function runOps(ops: readonly Op[], fetches: readonly Output[]): Promise<Float32Array[]> {
  // Registers the ops.
  if (!native.hasConvolutions()) throw new Error('this processor has no kernels of the addon');
  const graph = native.createGraph();
  const feeds: Feed[] = [];
  const ids: number[] = [];
  const fed = ({ shape, values }: Operand): Output => {
    const attributes: Attribute[] = [
      { name: 'dtype', kind: 'type', value: 1 },
      { name: 'shape', kind: 'shape', value: shape },
    ];
    const { id } = native.addOperation(graph, 'Placeholder', `input${feeds.length}`, [], attributes, []);
    feeds.push({ operation: id, dtype: 1, shape, values });
    return [id, 0];
  };
  const outputOf = (input: OpInput): Output => ('shape' in input ? fed(input) : [ids[input[0]]!, input[1]]);
  const isOne = (input: Op['inputs'][number]): input is OpInput => 'shape' in input || typeof input[0] === 'number';
  for (const { type, inputs, attributes } of ops) {
    const nodes = inputs.map((input) => (isOne(input) ? outputOf(input) : input.map(outputOf)));
    ids.push(native.addOperation(graph, type, `own${ids.length}`, nodes, attributes, []).id);
  }
  const session = await native.createSession(graph, Uint8Array.of(0x10, 1));
  try {
    const { values } = await native.run(
      session,
      feeds,
      fetches.map(([op, output]) => [ids[op]!, output] as const),
      [],
      false,
    );
    return values as Float32Array[];
  } finally {
    await native.closeSession(session);
  }
}
