import type { Program, TracedOp } from '@trikd/engine';

type Shapes = Program['shapes'];

/** The three passes of a convolution. */
export type Pass = 'forward' | 'input gradient' | 'filter gradient';

/** The convolutions of a model that are alike, in one pass. */
export interface ConvolutionCost {
  readonly pass: Pass;
  /** Input and filter, such as `128x32x32x16 * 3x3x16x32`; the op where TensorFlow has replaced what it reads. */
  readonly shape: string;
  readonly count: number;
  /** Milliseconds a step, of all of them. */
  readonly ms: number;
  /** Billions of floating-point operations a second, a multiplication and an addition being two; absent where the shape is not known. */
  readonly gflops?: number;
  /** Of the time of all ops. */
  readonly share: number;
}

/** The ops of a model of one kind. */
export interface KindCost {
  readonly kind: string;
  /** A step. */
  readonly count: number;
  /** Milliseconds a step. */
  readonly ms: number;
  /** Of the time of all ops. */
  readonly share: number;
}

/** Where the time of a step goes. Ops that run at the same time all count: together they may have more time than the step. */
export interface OpCosts {
  /** Milliseconds of ops a step, without those that wait for a queue. */
  readonly ms: number;
  /** By time. */
  readonly kinds: readonly KindCost[];
  /** By time. */
  readonly convolutions: readonly ConvolutionCost[];
}

/** A node, with the median of its time over the steps. */
interface Cost extends Pick<TracedOp, 'name' | 'type' | 'inputs'> {
  readonly ms: number;
}

/** @param steps the ops of each traced step of one model */
export function opCosts(steps: readonly (readonly TracedOp[])[], shapes: Shapes): OpCosts {
  const costs = medians(steps);
  const ms = sum(costs);
  const share = (own: readonly Cost[]) => (ms === 0 ? 0 : sum(own) / ms);
  const kinds = [...Map.groupBy(costs, ({ type }) => kindOf(type))].map(([kind, own]) => {
    return { kind, count: own.length, ms: sum(own), share: share(own) };
  });
  const convolutions = costs.flatMap((cost) => {
    const pass = passOf(cost.type);
    return pass ? [{ ...cost, pass, ...workOf(cost, pass, shapes) }] : [];
  });
  const alike = Map.groupBy(convolutions, ({ pass, shape }) => `${pass} ${shape}`);
  return {
    ms,
    kinds: kinds.toSorted(byTime),
    convolutions: [...alike.values()]
      .map((own) => {
        const { pass, shape, flops } = own[0]!;
        const speed = flops !== undefined && { gflops: (own.length * flops) / sum(own) / 1e6 };
        return { pass, shape, count: own.length, ms: sum(own), ...speed, share: share(own) };
      })
      .toSorted(byTime),
  };
}

const byTime = (one: { readonly ms: number }, other: { readonly ms: number }) => other.ms - one.ms;
const sum = (costs: readonly { readonly ms: number }[]) => costs.reduce((all, { ms }) => all + ms, 0);

function medians(steps: readonly (readonly TracedOp[])[]): readonly Cost[] {
  const computing = steps.flat().filter(({ type }) => !/^Queue/.test(type));
  return [...Map.groupBy(computing, ({ name }) => name).values()].map((runs) => {
    const { name, type, inputs } = runs[0]!;
    const times = runs.map(({ duration }) => duration).toSorted((one, other) => one - other);
    return { name, type, inputs, ms: times[Math.floor(times.length / 2)]! / 1000 };
  });
}

/** The op without the prefixes of its implementations: `_MklNativeConv2D` is a `Conv2D`. */
const plainType = (type: string) => type.replace(/^_(Mkl)?(Native)?/, '');

function kindOf(type: string): string {
  const pass = passOf(type);
  if (pass) return pass === 'forward' ? 'convolution' : `${pass} of a convolution`;
  const plain = plainType(type);
  if (/^(Fused|Trikd)BatchNormGrad/.test(plain)) return 'gradient of batch normalisation';
  if (/^(Fused|Trikd)BatchNorm/.test(plain)) return 'batch normalisation';
  if (/^Resource(Sparse)?Apply/.test(plain)) return 'optimizer';
  return plain;
}

function passOf(type: string): Pass | undefined {
  const [, end] =
    /(?:Conv2D|Conv3D|DepthwiseConv2dNative)(Backprop(?:Input|Filter))?(?:V2)?(?:WithBias|Moments)?$/.exec(type) ?? [];
  if (end === 'BackpropInput') return 'input gradient';
  if (end === 'BackpropFilter') return 'filter gradient';
  return /Conv(2D|3D|2dNative)(Moments)?$/.test(type) ? 'forward' : undefined;
}

/**
 * Which input of the op is, or has the shape of, the input and the output of the convolution, from its end where that is negative: between them
 * may be a list of sizes. `result`: the output of the op.
 */
const OPERANDS: Readonly<Record<Pass, Readonly<Record<'input' | 'filter' | 'output', number | 'result'>>>> = {
  forward: { input: 0, filter: 1, output: 'result' },
  'input gradient': { input: 'result', filter: -2, output: -1 },
  'filter gradient': { input: 0, filter: 'result', output: -1 },
};

/**
 * The shape of a convolution, and its floating-point operations: two for each element of the filter at each position of the output. This holds for
 * all three passes, and for depthwise ones.
 */
function workOf(
  { name, type, inputs }: Cost,
  pass: Pass,
  shapes: Shapes,
): { readonly shape: string; readonly flops?: number } {
  const shapeOf = (operand: number | 'result') => {
    const [node = '', index = '0'] = (operand === 'result' ? name : (inputs.at(operand) ?? '')).split(':');
    const shape = shapes.get(node)?.[Number(index)];
    return shape?.every((dimension) => dimension >= 0) ? shape : undefined;
  };
  const { input, filter, output } = OPERANDS[pass];
  const [read, kernel, written] = [shapeOf(input), shapeOf(filter), shapeOf(output)];
  if (!read || !kernel || !written) return { shape: plainType(type) };
  const positions = written.slice(0, -1);
  return {
    shape: `${read.join('x')} * ${kernel.join('x')}`,
    flops: 2 * [...kernel, ...positions].reduce((product, dimension) => product * dimension, 1),
  };
}

/** The traced ops of one participant. */
export interface ParticipantTrace {
  readonly name: string;
  readonly ops: readonly TracedOp[];
}

/**
 * Traces as JSON in the Trace Event Format, which Perfetto and chrome://tracing read: a process for each participant, a track for each
 * thread of its scheduler. An op shows on the track of the thread that started it; the threads that it computes with are not traced.
 */
export function chromeTrace(participants: readonly ParticipantTrace[]): string {
  const first = Math.min(...participants.flatMap(({ ops }) => ops.map(({ start }) => start)));
  const traceEvents = participants.flatMap(({ name, ops }, index) => {
    const pid = index + 1;
    const threads = [...new Set(ops.map(({ thread, device }) => `${device} ${thread}`))];
    const tracks = threads.map((thread, tid) => {
      const label = `thread ${tid + 1} of ${/device:(\w+:\d+)/.exec(thread)?.[1] ?? 'a device'}`;
      return { ph: 'M', name: 'thread_name', pid, tid: tid + 1, args: { name: label } };
    });
    return [
      { ph: 'M', name: 'process_name', pid, tid: 0, args: { name } },
      ...tracks,
      ...ops.map(({ name: node, type, device, thread, start, duration, inputs }) => ({
        ...{ ph: 'X', name: plainType(type), cat: 'op', pid, tid: threads.indexOf(`${device} ${thread}`) + 1 },
        ...{ ts: rounded(start - first), dur: rounded(duration), args: { node, op: type, inputs: inputs.join(', ') } },
      })),
    ];
  });
  return JSON.stringify({ traceEvents, displayTimeUnit: 'ms' });
}

/** To nanoseconds. */
const rounded = (microseconds: number) => Math.round(1000 * microseconds) / 1000;
