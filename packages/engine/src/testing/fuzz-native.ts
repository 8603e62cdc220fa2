import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Native } from '../native.js';

/**
 * Calls the addon with thousands of damaged arguments, by itself in a process: whatever happens, JavaScript must get a value or an
 * error by name. Prints how many calls ended how, by code. Argument: a seed.
 */
const addon = fileURLToPath(new URL('../../build/trikd_engine.node', import.meta.url));
const native = createRequire(import.meta.url)(addon) as Native;
const CALLS = 6000;

let state = Number(process.argv[2]) + 0x9e3779b9;
/** A whole number below `limit` (mulberry32). */
function below(limit: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % limit;
}
const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;

const FLOAT = { name: 'dtype', kind: 'type', value: 1 };
const graph = native.createGraph();
native.addOperation(graph, 'Placeholder', 'fed', [], [{ name: 'dtype', kind: 'type', value: 1 }], []);
native.addOperation(graph, 'Neg', 'negative', [[0, 0]], [{ name: 'T', kind: 'type', value: 1 }], []);
const session = await native.createSession(graph, new Uint8Array(0));
const closedGraph = native.createGraph();
native.closeGraph(closedGraph);
const closedSession = await native.createSession(native.createGraph(), new Uint8Array(0));
await native.closeSession(closedSession);

const throwing = new Proxy([], {
  get() {
    throw new RangeError('a trap');
  },
});
const junk: readonly unknown[] = [
  ...[undefined, null, true, false, Number.NaN, Number.POSITIVE_INFINITY, -0, -1, 0, 1, 2, 3, 7, 20, 23, 24, 101],
  ...[0.5, 2 ** 31, -(2 ** 31), 2 ** 32 + 1, 2 ** 53, 1e308, 10n, Symbol('s'), '', 'x', 'NoOp', 'a\0b', '💥', '/', '_'],
  ...[[], [[]], [[[]]], [0, 0], [1, 0], [0, 9], [[0, 0]], [-1], [2 ** 40, 2 ** 40], [0, 2 ** 52, 2 ** 52], [-2]],
  ...[new Array(2 ** 32 - 1), new Array(300).fill(1), {}, { length: 2 }, new Date(0), () => 1, throwing],
  ...[new Float32Array(1), new Float32Array(0), new Int32Array(2), new Uint8Array(4), new BigInt64Array(1)],
  ...[new Float64Array(1), new DataView(new ArrayBuffer(4)), new ArrayBuffer(4), Buffer.from('abc')],
  ...[graph, session, closedGraph, closedSession],
];

const TYPES =
  'NoOp Placeholder Const Neg Add MatMul Conv2D Pack ConcatV2 Fill Reshape Cast VarHandleOp ReadVariableOp AssignVariableOp FIFOQueueV2 QueueEnqueueV2 SoftmaxCrossEntropyWithLogits FusedBatchNormV3 MaxPool Nonsense'.split(
    ' ',
  );
const KINDS = 'type int float bool string shape ints types shapes tensor nothing'.split(' ');
const NAMES = 'dtype T shape value N strides padding component_types capacity shared_name data_format _device _x'.split(
  ' ',
);

function attribute(): unknown {
  const value = pick<unknown>([
    1,
    3,
    true,
    'SAME',
    'NHWC',
    [2, 2],
    [1, 1, 1, 1],
    [[2]],
    [-1],
    Float32Array.of(1, 2),
    pick(junk),
  ]);
  return { name: pick(NAMES), kind: pick(KINDS), value, dtype: pick([1, 3, 99]), shape: pick([[], [2], [1, 2]]) };
}

let names = 0;
const feed = () => ({ operation: 0, dtype: 1, shape: [2], values: Float32Array.of(1, 2) });
/** Arguments that are right, or nearly. */
const templates: Readonly<Record<keyof Native, () => unknown[]>> = {
  version: () => [],
  hasConvolutions: () => [],
  kernels: () => [],
  instructionSets: () => [],
  takeInstructionSet: () => [pick(['avx2', 'avx512', 'sse', ''])],
  createGraph: () => [],
  addOperation: () => [
    pick([graph, graph, graph, closedGraph]),
    pick(TYPES),
    below(10) === 0 ? 'fed' : `n${names++}`,
    Array.from({ length: below(4) }, () =>
      pick<unknown>([
        [0, 0],
        [1, 0],
        [
          [0, 0],
          [1, 0],
        ],
        [],
      ]),
    ),
    below(3) === 0 ? [FLOAT] : Array.from({ length: below(5) }, attribute),
    pick([[], [], [0], [1, 1]]),
  ],
  closeGraph: () => [native.createGraph()],
  createSession: () => [graph, pick<unknown>([new Uint8Array(0), Buffer.from([255, 255]), Buffer.from([0x10, 1])])],
  run: () => [
    session,
    below(4) === 0 ? [] : [feed()],
    pick<unknown>([
      [],
      [[1, 0]],
      [
        [1, 0],
        [1, 0],
      ],
      [[below(names + 1), 0]],
    ]),
    pick([[], [1], [0, 1], [below(names + 1)]]),
    below(8) === 0,
  ],
  devices: () => [session],
  closeSession: () => [closedSession],
  toFloat16: () => [new Float32Array(9), new Uint16Array(9)],
  fromFloat16: () => [new Uint16Array(9), new Float32Array(9)],
  largestLogits: () => [new Float32Array(12), pick([6, 4]), new Uint16Array(4), new Float64Array(pick([4, 6]))],
};

/** Replaces a random part by something that does not belong there. */
function damage(value: unknown): unknown {
  if (below(4) === 0 || value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return pick(junk);
  if (Array.isArray(value)) {
    if (value.length === 0 || value === throwing || value.length > 1000) return pick(junk);
    const place = below(value.length);
    return value.map((element: unknown, index) => (index === place ? damage(element) : element));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return pick(junk);
  const place = below(entries.length);
  return Object.fromEntries(entries.map(([key, inner], index) => [key, index === place ? damage(inner) : inner]));
}

/** One argument damaged, or the last one missing. */
function damaged(whole: readonly unknown[]): unknown[] {
  const place = below(whole.length + 1);
  if (place === whole.length) return whole.slice(0, -1);
  return whole.map((argument, index) => (index === place ? damage(argument) : argument));
}

const ended: Record<string, number> = {};
const count = (how: string) => {
  ended[how] = (ended[how] ?? 0) + 1;
};
const refused = (error: unknown) => {
  // A getter or a trap of the caller's own may throw what it likes.
  if (error instanceof RangeError && error.message === 'a trap') return count('the caller');
  if (!(error instanceof Error) || !('code' in error) || !('operation' in error)) throw error;
  count(String(error.code));
};

const open: unknown[] = [];
const settling: Promise<void>[] = [];
for (let call = 0; call < CALLS; call++) {
  const name = pick(Object.keys(templates) as (keyof Native)[]);
  const whole = templates[name]();
  const given = below(5) === 0 ? whole : damaged(whole);
  // Without these two there is nothing left to meet.
  if (name.startsWith('close') && (given[0] === graph || given[0] === session)) continue;
  try {
    const result: unknown = Reflect.apply(native[name], undefined, given);
    count('returned');
    if (result instanceof Promise) {
      settling.push(
        result.then((value: unknown) => {
          count('resolved');
          if (name === 'createSession') open.push(value);
        }, refused),
      );
    }
  } catch (error) {
    refused(error);
  }
  // Lets promises settle in between, so that calls also meet sessions that are busy.
  if (call % 50 === 0) await Promise.race([Promise.all(settling), new Promise(setImmediate)]);
}
await Promise.all(settling);
for (const one of open) await Reflect.apply(native.closeSession, undefined, [one]);
await native.closeSession(session);
console.log(JSON.stringify(ended));
