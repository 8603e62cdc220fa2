import { describe, expect, test } from 'vitest';
import { configProto, type EngineOptions } from './config-proto.js';
import { native } from './native.js';

const plain: EngineOptions = { device: 'cpu', threads: 2, xla: false, precision: 'float32' };

type Fields = ReadonlyMap<number, number | Uint8Array>;

/** Reads one message of protocol buffers: varints as numbers, everything else as bytes. */
function decode(bytes: Uint8Array): Fields {
  const fields = new Map<number, number | Uint8Array>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const value = varint();
    expect([0, 2]).toContain(key & 7);
    const isBytes = (key & 7) === 2;
    fields.set(key >> 3, isBytes ? bytes.subarray(at, at + value) : value);
    if (isBytes) at += value;
  }
  expect(at).toBe(bytes.length);
  return fields;
}

/** The field at the end of a path through nested messages. */
function field(options: EngineOptions, ...path: readonly number[]): number | Uint8Array | undefined {
  return path.reduce<number | Uint8Array | undefined>(
    (message, number) => (message instanceof Uint8Array ? decode(message).get(number) : undefined),
    configProto(options),
  );
}

describe('configProto', () => {
  test.each([1, 2, 127, 128, 300])(
    'gives one op %d threads, and small ops two more to run beside each other',
    (threads) => {
      expect(field({ ...plain, threads }, 2)).toBe(threads);
      expect(field({ ...plain, threads }, 5)).toBe(threads + 2);
    },
  );

  test('hides every GPU from a session on the CPU, and none from one on the GPU', () => {
    const entry = decode(field(plain, 1) as Uint8Array);
    expect(Buffer.from(entry.get(1) as Uint8Array).toString()).toBe('GPU');
    expect(entry.get(2)).toBe(0);
    expect(field({ ...plain, device: 'gpu' }, 1)).toBeUndefined();
  });

  test('gives each session threads of its own', () => {
    expect(field(plain, 9)).toBe(1);
  });

  test('takes memory of a GPU as it is needed, and places ops softly', () => {
    expect(field(plain, 6, 4)).toBe(1);
    expect(field(plain, 7)).toBe(1);
  });

  test('turns the just-in-time compiler to level 2, and says nothing about it otherwise', () => {
    expect(field({ ...plain, xla: true }, 10, 3, 5)).toBe(2);
    expect(field(plain, 10, 3)).toBeUndefined();
  });

  test('turns off the optimizer of memory, which adds in the order in which summands are computed', () => {
    expect(field(plain, 10, 10, 4)).toBe(1);
  });

  test('asks for mixed precision by the rewriter of the device', () => {
    expect(field({ ...plain, precision: 'bfloat16' }, 10, 10, 31)).toBe(1);
    expect(field({ ...plain, precision: 'bfloat16' }, 10, 10, 23)).toBeUndefined();
    expect(() => configProto({ ...plain, device: 'gpu', precision: 'bfloat16' })).toThrow('bfloat16 is for CPUs');
  });

  test.each([0, -1, 1.5, Number.NaN, 1025])('refuses %d threads', (threads) => {
    const message = `expected 1 to 1024 threads, got ${threads}`;
    expect(() => configProto({ ...plain, threads })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message }),
    );
  });

  test.each<EngineOptions>([
    plain,
    { device: 'cpu', threads: 200, xla: true, precision: 'bfloat16' },
    { device: 'gpu', threads: 1, xla: true, precision: 'float32' },
  ])('is understood by TensorFlow: %o', async (options) => {
    const session = await native.createSession(native.createGraph(), configProto(options));
    expect(native.devices(session).map(({ type }) => type)).toContain('CPU');
    await native.closeSession(session);
  });
});
