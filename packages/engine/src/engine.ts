import { configProto, type EngineOptions } from './config-proto.js';
import { ARRAY, type HostTensor, sizeOf, type TensorSpec, TF_DTYPE } from './dtype.js';
import { EngineError, fromNative } from './errors.js';
import type { Port } from './graph/scope.js';
import type { Program, TracedFunction } from './graph/trace.js';
import { type Device, type Feed, type NativeSession, native, type Output } from './native.js';
import { type TracedOp, tracedOps } from './step-stats.js';

/** What a function is fed with: arrays of exactly the input's size, or a number for a scalar. */
export type Feeds = Readonly<Record<string, number | Float32Array | Int32Array | Uint8Array>>;

/** A run of a function that TensorFlow traced. */
export interface Profile {
  /** As of `run`. */
  readonly outputs: Record<string, Float32Array>;
  readonly ops: readonly TracedOp[];
}

/** Opens sessions with one set of options. */
export class Engine {
  private constructor(
    private readonly config: Uint8Array,
    readonly devices: readonly Device[],
  ) {}

  /** @throws EngineError UNAVAILABLE when a GPU is asked for and TensorFlow sees none. */
  static async open(options: EngineOptions): Promise<Engine> {
    const config = configProto(options);
    const devices = await listDevices(config);
    if (options.device === 'gpu' && !devices.some(({ type }) => type === 'GPU')) {
      throw new EngineError(
        'UNAVAILABLE',
        'no GPU is visible: build with `make engine TENSORFLOW=gpu` and check the CUDA libraries, or set engine.device to cpu',
      );
    }
    return new Engine(config, devices);
  }

  /**
   * Starts a session on a program. State not named in `state` starts from its initial value.
   * @throws EngineError INVALID_ARGUMENT when `state` names something unknown or of another shape.
   */
  async load(program: Program, state: ReadonlyMap<string, HostTensor> = new Map()): Promise<Session> {
    const session = new Session(program, await attempt(() => native.createSession(program.graph, this.config)));
    try {
      const initial = [...program.variables.values()].map(
        ({ name, shape, initial: data }) => [name, state.get(name) ?? { dtype: 'float32', shape, data }] as const,
      );
      for (const name of state.keys()) {
        if (!program.variables.has(name))
          throw new EngineError('INVALID_ARGUMENT', 'the program has no such state', name);
      }
      await session.assign(new Map(initial));
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }
}

/** One copy of a program's state, and the threads that run its functions. */
export class Session {
  private readonly busy = new Set<string>();
  private closing: Promise<void> | undefined;

  constructor(
    private readonly program: Program,
    private readonly session: NativeSession,
  ) {}

  /**
   * Runs a function once. Runs of one that writes state or uses a port must not overlap.
   * @returns outputs by name, row-major.
   */
  async run(name: string, feeds: Feeds): Promise<Record<string, Float32Array>> {
    const { values } = await this.call(name, feeds, false);
    return this.named(name, values);
  }

  /** As `run`, but also returns when each op ran, and for how long. Slower. */
  async profile(name: string, feeds: Feeds): Promise<Profile> {
    const { values, metadata } = await this.call(name, feeds, true);
    return { outputs: this.named(name, values), ops: tracedOps(metadata!) };
  }

  /** Takes the next value of an out port; waits until the graph has sent one. */
  async take(port: string): Promise<Float32Array> {
    const { dequeue } = this.port(port);
    if (!dequeue) throw new EngineError('INVALID_ARGUMENT', 'values are put into this port, not taken', port);
    const { values } = await this.execute([], [dequeue], []);
    return values[0] as Float32Array;
  }

  /** Puts a value into an in port; waits while the port is full. */
  async put(port: string, values: Float32Array): Promise<void> {
    const { enqueue, shape } = this.port(port);
    if (!enqueue) throw new EngineError('INVALID_ARGUMENT', 'values are taken from this port, not put', port);
    await this.execute([feed(port, enqueue.placeholder, { dtype: 'float32', shape }, values)], [], [enqueue.operation]);
  }

  /** A copy of the state, by name: params, batch-norm statistics, optimizer slots. */
  async state(kinds: readonly ('param' | 'slot')[] = ['param', 'slot']): Promise<Map<string, HostTensor>> {
    const wanted = [...this.program.variables.values()].filter(({ kind }) => kinds.includes(kind));
    const { values } = await this.execute(
      [],
      wanted.map(({ read }) => read),
      [],
    );
    return new Map(
      wanted.map(({ name, shape }, index) => [name, { dtype: 'float32', shape, data: values[index] as Float32Array }]),
    );
  }

  /** Overwrites the named state. */
  async assign(state: ReadonlyMap<string, HostTensor>): Promise<void> {
    const feeds: Feed[] = [];
    const targets: number[] = [];
    for (const [name, { dtype, shape, data }] of state) {
      const variable = this.program.variables.get(name);
      if (!variable) throw new EngineError('INVALID_ARGUMENT', 'the program has no such state', name);
      if (dtype !== 'float32' || shape.join() !== variable.shape.join()) {
        const message = `expected float32 [${variable.shape.join(', ')}], got ${dtype} [${shape.join(', ')}]`;
        throw new EngineError('INVALID_ARGUMENT', message, name);
      }
      feeds.push(feed(name, variable.assignFrom, { dtype, shape }, data));
      targets.push(variable.assign);
    }
    await this.execute(feeds, [], targets);
  }

  /** Ends every run, also those that wait at a port (they reject with CANCELLED), and frees the state. May be called again. */
  close(): Promise<void> {
    this.closing ??= attempt(() => native.closeSession(this.session));
    return this.closing;
  }

  private async call(name: string, feeds: Feeds, profiled: boolean) {
    const traced = this.traced(name);
    const run = () =>
      this.execute(feedsOf(name, traced, feeds), [...traced.outputs.values()], traced.targets, profiled);
    if (!traced.exclusive) return await run();
    if (this.busy.has(name)) throw new EngineError('FAILED_PRECONDITION', 'the function is running already', name);
    this.busy.add(name);
    try {
      return await run();
    } finally {
      this.busy.delete(name);
    }
  }

  private named(name: string, values: readonly NodeJS.TypedArray[]): Record<string, Float32Array> {
    const keys = [...this.traced(name).outputs.keys()];
    return Object.fromEntries(keys.map((key, index) => [key, values[index] as Float32Array]));
  }

  private traced(name: string): TracedFunction {
    const traced = this.program.functions.get(name);
    if (!traced) throw new EngineError('NOT_FOUND', 'the program has no such function', name);
    return traced;
  }

  private port(name: string): Port {
    const port = this.program.ports.get(name);
    if (!port) throw new EngineError('NOT_FOUND', 'the program has no such port', name);
    return port;
  }

  private async execute(
    feeds: readonly Feed[],
    fetches: readonly Output[],
    targets: readonly number[],
    traced = false,
  ) {
    // A program may have no state, or no slots; TensorFlow refuses to run nothing.
    if (fetches.length === 0 && targets.length === 0) return { values: [] };
    return attempt(() => native.run(this.session, feeds, fetches, targets, traced));
  }
}

async function attempt<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fromNative(error);
  }
}

async function listDevices(config: Uint8Array): Promise<Device[]> {
  const session = await attempt(() => native.createSession(native.createGraph(), config));
  const devices = native.devices(session);
  await native.closeSession(session);
  return devices;
}

function feedsOf(name: string, traced: TracedFunction, feeds: Feeds): Feed[] {
  const unknown = Object.keys(feeds).filter((key) => !traced.inputs.has(key));
  if (unknown.length > 0) throw new EngineError('INVALID_ARGUMENT', `there is no input ${unknown.join(', ')}`, name);
  return [...traced.inputs].map(([key, { operation, spec }]) => {
    const value = feeds[key];
    if (value === undefined) throw new EngineError('INVALID_ARGUMENT', `input ${key} is missing`, name);
    return feed(`${name}.${key}`, operation, spec, typeof value === 'number' ? ARRAY[spec.dtype].of(value) : value);
  });
}

function feed(name: string, operation: number, { dtype, shape }: TensorSpec, values: NodeJS.TypedArray): Feed {
  if (!(values instanceof ARRAY[dtype])) {
    const message = `expected ${dtype} values, got ${Object.prototype.toString.call(values).slice(8, -1)}`;
    throw new EngineError('INVALID_ARGUMENT', message, name);
  }
  if (values.length !== sizeOf(shape)) {
    throw new EngineError(
      'INVALID_ARGUMENT',
      `expected ${sizeOf(shape)} values for [${shape.join(', ')}], got ${values.length}`,
      name,
    );
  }
  return { operation, dtype: TF_DTYPE[dtype], shape, values };
}
