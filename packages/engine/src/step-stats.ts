/** One execution of one op, as TensorFlow traced it. */
export interface TracedOp {
  /** Of the node: as in the traced graph, unless TensorFlow's optimisers made the node. */
  readonly name: string;
  /** Of the op that ran, such as `Conv2D` or `_MklNativeConv2D`. */
  readonly type: string;
  /** Such as `/job:localhost/replica:0/task:0/device:CPU:0`. */
  readonly device: string;
  /** Of the scheduler's thread that ran it, in this process. */
  readonly thread: number;
  /** Microseconds since 1970. */
  readonly start: number;
  /** Microseconds. */
  readonly duration: number;
  /** The outputs that it read: names of nodes, with `:1` and so on for outputs other than the first. */
  readonly inputs: readonly string[];
}

/**
 * Reads the serialised `RunMetadata` of a run (tensorflow/core/protobuf/config.proto, step_stats.proto).
 * @returns the ops by their start
 * @throws RangeError when the bytes end in the middle of a message
 */
export function tracedOps(metadata: Uint8Array): readonly TracedOp[] {
  const stats = fields(metadata).flatMap(({ number, bytes }) => (number === 1 && bytes ? fields(bytes) : []));
  const devices = stats.flatMap(({ number, bytes }) => (number === 1 && bytes ? [fields(bytes)] : []));
  return devices.flatMap(opsOfDevice).toSorted((one, other) => one.start - other.start);
}

/** DeviceStepStats: 1 device, 2 node_stats. */
function opsOfDevice(device: readonly Field[]): readonly TracedOp[] {
  const name = textIn(device, 1);
  return device.flatMap(({ number, bytes }) => (number === 2 && bytes ? opOf(name, fields(bytes)) : []));
}

/**
 * NodeExecStats: 1 node_name, 2 all_start_micros, 8 timeline_label, 10 thread_id, 14 op_start_rel_nanos, 15 op_end_rel_nanos. The label is
 * `[memory] name = Type(input, input:1, ^control)`. Nodes without one are transfers, which no op computes.
 */
function opOf(device: string, stats: readonly Field[]): readonly TracedOp[] {
  const [, type, inputs = ''] = / = (\w+)\((.*)\)/s.exec(textIn(stats, 8)) ?? [];
  if (type === undefined) return [];
  const begin = numberIn(stats, 14) / 1000;
  return [
    {
      ...{ name: textIn(stats, 1), type, device, thread: numberIn(stats, 10) },
      start: numberIn(stats, 2) + begin,
      duration: numberIn(stats, 15) / 1000 - begin,
      inputs: inputs.split(', ').filter((input) => input !== '' && !input.startsWith('^')),
    },
  ];
}

/** A field of a message: a number, or bytes. Fixed-width numbers are skipped. */
interface Field {
  readonly number: number;
  readonly value?: number;
  readonly bytes?: Uint8Array;
}

const textIn = (message: readonly Field[], wanted: number): string =>
  Buffer.from(message.find(({ number }) => number === wanted)?.bytes ?? []).toString();

const numberIn = (message: readonly Field[], wanted: number): number =>
  message.find(({ number }) => number === wanted)?.value ?? 0;

const FIXED = new Map([
  [1, 8],
  [5, 4],
]);

function fields(bytes: Uint8Array): readonly Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('the trace ends in the middle of a number');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    const fixed = FIXED.get(key & 7);
    if ((key & 7) === 0) found.push({ number, value: varint() });
    else if (fixed !== undefined) at += fixed;
    else {
      const length = varint();
      if (at + length > bytes.length) throw new RangeError('the trace ends in the middle of a message');
      found.push({ number, bytes: bytes.subarray(at, at + length) });
      at += length;
    }
  }
  return found;
}
