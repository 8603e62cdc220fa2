import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { EngineError, fromNative } from './errors.js';
import { isOfThisVersion, type NativeGraph, type NativeSession, native } from './native.js';

const FLOAT = { name: 'dtype', kind: 'type', value: 1 };
const CONFIG = new Uint8Array(0);

let graph: NativeGraph;
let session: NativeSession;
let names = 0;

beforeAll(async () => {
  graph = native.createGraph();
  native.addOperation(graph, 'Placeholder', 'fed', [], [{ name: 'dtype', kind: 'type', value: 1 }], []);
  session = await native.createSession(graph, CONFIG);
});

/** Calls a function of the addon with arguments that no type checker has seen. */
const call = (name: keyof typeof native, ...given: readonly unknown[]): unknown =>
  Reflect.apply(native[name], undefined, given);

/** Adds an operation with one attribute. */
const add = (type: string, attribute: unknown) =>
  call('addOperation', graph, type, `op${names++}`, [], [attribute], []);

/** The largest logits of two rows of three columns, unless said otherwise. */
const largest = ({ logits = 6, cols = 3, classes = 2, others = 4 }) =>
  call('largestLogits', new Float32Array(logits), cols, new Uint16Array(classes), new Float64Array(others));

const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message), operation: expect.any(String) });

describe('the addon refuses', () => {
  test.each([
    ['no graph', () => call('addOperation'), /expected a graph/],
    ['a session for a graph', () => call('addOperation', session, 'NoOp', 'x', [], [], []), /expected a graph/],
    ['an object for a graph', () => call('createSession', {}, CONFIG), /expected a graph/],
    ['an object derived from a graph', () => call('createSession', Object.create(graph), CONFIG), /expected a graph/],
    ['a proxy of a graph', () => call('createSession', new Proxy(graph, {}), CONFIG), /expected a graph/],
    ['an object derived from a session', () => call('devices', Object.create(session)), /expected a session/],
    ['a graph for a session', () => call('run', graph, [], [], [], false), /expected a session/],
    ['a number for a type', () => call('addOperation', graph, 3, 'x', [], [], []), /an op type must be a string/],
    ['a NUL in a name', () => call('addOperation', graph, 'NoOp', 'a\0b', [], [], []), /must not contain a NUL/],
    ['inputs that are no array', () => call('addOperation', graph, 'Neg', 'x', {}, [], []), /inputs must be an array/],
    [
      'an array of holes',
      () => call('addOperation', graph, 'Neg', 'x', new Array(2 ** 32 - 1), [], []),
      /an input must/,
    ],
    ['an operation never made', () => call('addOperation', graph, 'Neg', 'x', [[99, 0]], [], []), /no operation 99/],
    ['an output too many', () => call('addOperation', graph, 'Neg', 'x', [[0, 1]], [], []), /has no output 1/],
    ['half an operation', () => call('addOperation', graph, 'Neg', 'x', [[0.5, 0]], [], []), /must be an integer/],
    ['a NaN for a control', () => call('addOperation', graph, 'NoOp', 'x', [], [], [Number.NaN]), /must be an integer/],
    ['an unknown op', () => call('addOperation', graph, 'Nonsense', 'x', [], [], []), /not registered 'Nonsense'/],
    ['an attribute of no kind', () => add('NoOp', { name: 'a', kind: 'toString', value: 1 }), /no attribute kind/],
    ['an attribute that is undefined', () => add('NoOp', undefined), /an object with the property name/],
    ['config that is no bytes', () => call('createSession', graph, 'threads: 2'), /must be a typed array/],
    ['config that does not parse', () => call('createSession', graph, Uint8Array.of(255, 255)), /Unparseable/],
    ['traced that is no boolean', () => call('run', session, [], [], [], 1), /must be true or false/],
    ['halves of another length', () => call('toFloat16', new Float32Array(2), new Uint16Array(3)), /expected 2/],
    ['numbers of another type', () => call('fromFloat16', new Uint16Array(2), new Float64Array(2)), /another type/],
    ['a part of a row', () => largest({ logits: 7 }), /7 logits are no rows of 3/],
    ['rows of one column', () => largest({ cols: 1 }), /2 to 65536 columns, got 1/],
    ['more columns than have an index', () => largest({ logits: 65_537, cols: 65_537 }), /2 to 65536 columns/],
    ['a row whose columns are all the largest', () => largest({ classes: 6 }), /no 3 largest and others/],
    ['classes for a part of the rows', () => largest({ classes: 3 }), /classes has 3 elements, expected 2/],
    ['others for a part of the rows', () => largest({ others: 3 }), /others has 3 elements, expected 4/],
    ['a fetch that is no pair', () => call('run', session, [], [[0]], [], false), /a fetch must be/],
  ])('%s', async (_name, misuse, message) => {
    await expect((async () => misuse())()).rejects.toEqual(refusal('INVALID_ARGUMENT', message));
  });

  test.each([0, -1, 24, 101, 2 ** 32 + 1, Number.NaN, 1.5])('the dtype %d', (value) => {
    expect(() => add('Placeholder', { ...FLOAT, value })).toThrow(refusal('INVALID_ARGUMENT', /dtype/));
  });

  test.each([
    ['a dimension below -1', [-2]],
    ['a rank that TensorFlow cannot hold', new Array(300).fill(1)],
    ['more elements than TensorFlow can count', [2 ** 40, 2 ** 40]],
    ['an empty shape with enormous dimensions', [0, 2 ** 52, 2 ** 52]],
    ['a dimension that is no integer', [1.5]],
  ])('%s', (_name, shape) => {
    const refused = refusal('INVALID_ARGUMENT', /a shape/);
    const list = { name: 'shapes', kind: 'shapes', value: [shape] };
    const tensor = { name: 'value', kind: 'tensor', dtype: 1, shape, value: new Float32Array(1) };
    const feed = { operation: 0, dtype: 1, shape, values: new Float32Array(1) };
    expect(() => add('Placeholder', { name: 'shape', kind: 'shape', value: shape })).toThrow(refused);
    expect(() => add('FIFOQueueV2', list)).toThrow(refused);
    expect(() => add('Const', tensor)).toThrow(refused);
    expect(() => call('run', session, [feed], [], [], false)).toThrow(refused);
  });

  test.each([
    ['another number of elements', new Float32Array(3), /expected 8 bytes for the shape, got 12/],
    ['another type of elements', new Float64Array(2), /does not fit the dtype/],
    ['a plain array', [1, 2], /must be a typed array/],
    ['a DataView', new DataView(new ArrayBuffer(8)), /must be a typed array/],
  ])('a feed with %s', (_name, values, message) => {
    const feed = { operation: 0, dtype: 1, shape: [2], values };
    expect(() => call('run', session, [feed], [], [], false)).toThrow(refusal('INVALID_ARGUMENT', message));
  });

  test('a name that is taken, with the name as the operation', () => {
    expect(() => call('addOperation', graph, 'NoOp', 'fed', [], [], [])).toThrow(
      expect.objectContaining({ code: 'ALREADY_EXISTS', operation: 'fed' }),
    );
  });

  test('a graph and a session that are closed', async () => {
    const closed = native.createGraph();
    const gone = await native.createSession(closed, CONFIG);
    native.closeGraph(closed);
    await native.closeSession(gone);
    expect(() => call('addOperation', closed, 'NoOp', 'x', [], [], [])).toThrow(
      refusal('FAILED_PRECONDITION', /graph/),
    );
    expect(() => call('createSession', closed, CONFIG)).toThrow(refusal('FAILED_PRECONDITION', /the graph is closed/));
    expect(() => call('devices', gone)).toThrow(refusal('FAILED_PRECONDITION', /the session is closed/));
    expect(() => call('run', gone, [], [], [], false)).toThrow(refusal('FAILED_PRECONDITION', /the session is closed/));
    await expect(native.closeSession(gone)).resolves.toBeUndefined();
  });
});

test('an error of the caller passes through unchanged', () => {
  const attribute = {
    get name(): string {
      throw new RangeError('mine');
    },
  };
  expect(() => add('NoOp', attribute)).toThrow(new RangeError('mine'));
  expect(fromNative(new RangeError('mine'))).toEqual(new RangeError('mine'));
});

test('an error of the addon becomes an EngineError with its code, operation and cause', () => {
  try {
    call('addOperation', graph, 'NoOp', 'fed', [], [], []);
    expect.unreachable();
  } catch (cause) {
    const error = fromNative(cause);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: 'ALREADY_EXISTS', operation: 'fed', cause });
    expect(String(error)).toBe('EngineError: fed: the graph has an operation of that name');
  }
});

test('more calls than threads are refused by name, and closing ends all that wait', async () => {
  const own = native.createGraph();
  const types = { name: 'component_types', kind: 'types', value: [1] } as const;
  const queue = native.addOperation(own, 'FIFOQueueV2', 'queue', [], [types], []);
  const taken = native.addOperation(own, 'QueueDequeueV2', 'taken', [[queue.id, 0]], [types], []);
  const waiting = await native.createSession(own, CONFIG);
  const codes: string[] = [];
  const wait = async () => native.run(waiting, [], [[taken.id, 0]], [], false);
  const runs = Array.from({ length: 300 }, () => wait().catch((error: { code: string }) => codes.push(error.code)));
  await native.closeSession(waiting);
  await Promise.all(runs);
  expect(codes.filter((code) => code === 'CANCELLED')).toHaveLength(256);
  expect(codes.filter((code) => code === 'RESOURCE_EXHAUSTED')).toHaveLength(44);
});

describe('a process of its own', () => {
  const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const node = (...args: readonly string[]) =>
    spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 15_000, killSignal: 'SIGKILL' });

  test.each(['1', '2', '3'])('survives thousands of damaged calls of seed %s', (seed) => {
    const { status, signal, stdout, stderr } = node(script('./testing/fuzz-native.ts'), seed);
    expect({ status, signal }, stderr).toEqual({ status: 0, signal: null });
    const ended = JSON.parse(stdout) as Record<string, number>;
    expect(ended.INVALID_ARGUMENT).toBeGreaterThan(1000);
    expect(ended.returned).toBeGreaterThan(1000);
  });

  test('ends with its status 24 times while a run computes', { timeout: 300_000 }, async () => {
    const exit = (convolutions: number) =>
      new Promise<object>((resolve) => {
        const child = spawn(process.execPath, [script('./testing/exit-during-run.ts'), String(convolutions)]);
        child.once('close', (status, signal) => resolve({ status, signal }));
      });
    const ended: object[] = [];
    for (let first = 1; first <= 24; first += 4) {
      ended.push(...(await Promise.all([first, first + 1, first + 2, first + 3].map(exit))));
    }
    expect(ended).toEqual(ended.map(() => ({ status: 7, signal: null })));
  });

  test('ends although calls still wait', () => {
    const program = `
      const native = process.getBuiltinModule('module').createRequire(import.meta.url)(${JSON.stringify(script('../build/trikd_engine.node'))});
      const graph = native.createGraph();
      const types = { name: 'component_types', kind: 'types', value: [1] };
      native.addOperation(graph, 'FIFOQueueV2', 'queue', [], [types], []);
      native.addOperation(graph, 'QueueDequeueV2', 'taken', [[0, 0]], [types], []);
      const session = await native.createSession(graph, new Uint8Array(0));
      for (let i = 0; i < 20; i++) native.run(session, [], [[1, 0]], [], false).catch(() => {});
      process.exit(7);`;
    const { status, signal, stderr } = node('--input-type=module', '--eval', program);
    expect({ status, signal }, stderr).toEqual({ status: 7, signal: null });
  });
});

test('an addon that was built from other sources is recognised', () => {
  expect(isOfThisVersion(native)).toBe(true);
  expect(isOfThisVersion({ kernels: () => 'trikd_kernels_1' })).toBe(false);
  expect(isOfThisVersion({ kernels: native.kernels })).toBe(false);
  expect(isOfThisVersion({})).toBe(false);
});
