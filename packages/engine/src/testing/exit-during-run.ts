import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Attribute, Native, Output } from '../native.js';

/**
 * Ends the process with status 7 while a run computes: a second run of convolutions has just returned, and the first one still has most
 * of its own before it. Argument: how many convolutions the shorter run has, which decides the moment.
 */
const addon = fileURLToPath(new URL('../../build/trikd_engine.node', import.meta.url));
const native = createRequire(import.meta.url)(addon) as Native;
const [SHAPE, KERNEL, LONG] = [[8, 64, 64, 16], [2, 2, 16, 16], 60] as const;

const FLOAT = 1;
const dtype = (name: string): Attribute => ({ name, kind: 'type', value: FLOAT });
const graph = native.createGraph();
let names = 0;
const add = (type: string, inputs: readonly Output[], attributes: readonly Attribute[]): Output => [
  native.addOperation(graph, type, `${type}${names++}`, inputs, attributes, []).id,
  0,
];
const placeholder = (shape: readonly number[]) =>
  add('Placeholder', [], [dtype('dtype'), { name: 'shape', kind: 'shape', value: shape }]);

const input = placeholder(SHAPE);
const kernel = placeholder(KERNEL);
/** Convolutions of ever smaller images: oneDNN makes a primitive for each. */
const chain = (length: number) => {
  const attributes: readonly Attribute[] = [
    dtype('T'),
    { name: 'strides', kind: 'ints', value: [1, 1, 1, 1] },
    { name: 'padding', kind: 'string', value: 'VALID' },
  ];
  let output = input;
  for (let i = 0; i < length; i++) output = add('Conv2D', [output, kernel], attributes);
  return output;
};
const [short, long] = [chain(Number(process.argv[2])), chain(LONG)];

const session = await native.createSession(graph, new Uint8Array(0));
const feed = ([operation]: Output, shape: readonly number[]) => ({
  operation,
  dtype: FLOAT,
  shape,
  values: new Float32Array(shape.reduce((size, dimension) => size * dimension)),
});
const run = (output: Output) => native.run(session, [feed(input, SHAPE), feed(kernel, KERNEL)], [], [output[0]], false);

run(long).catch(() => {});
await run(short);
process.exit(7);
