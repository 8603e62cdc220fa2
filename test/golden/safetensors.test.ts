import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeSafetensors, encodeSafetensors } from '@trikd/core/checkpoint/safetensors';
import type { HostTensor, Params } from '@trikd/core/models/params';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** A file as the Python script tells of it. Data are in base64. */
interface Told {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Readonly<
    Record<string, { readonly dtype: string; readonly shape: readonly number[]; readonly data: string }>
  >;
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const python = (args: readonly string[], PYTHONPATH: string, input = '') =>
  execFileSync('python3', args, { input, encoding: 'utf8', env: { ...process.env, PYTHONPATH } });

const packages = python([path('../../scripts/fetch-safetensors.py')], '').trim();
const script = path('safetensors_python.py');
const readByPython = (file: string): Told => JSON.parse(python([script, 'read', file], packages));
const writeByPython = (files: Readonly<Record<string, Told>>) =>
  python([script, 'write'], packages, JSON.stringify(files));

const folder = mkdtempSync(join(tmpdir(), 'trikd-safetensors-'));
const file = join(folder, 'params.safetensors');
afterAll(() => rmSync(folder, { recursive: true }));

/** Bits that a number would not keep on its way through text: NaNs with a payload, -0, the smallest denormal. */
const bits = Uint32Array.of(0x7fc00001, 0xffc12345, 0x7f800000, 0xff800000, 0x80000000, 0, 1, 0x3f800000);

const params: Params = new Map<string, HostTensor>([
  ['stage0/conv/kernel', { dtype: 'float32', shape: [2, 1, 2, 2], data: new Float32Array(bits.buffer) }],
  ['scalar', { dtype: 'float32', shape: [], data: Float32Array.of(-0.1) }],
  ['empty', { dtype: 'float32', shape: [0], data: new Float32Array(0) }],
  ['none of three', { dtype: 'float32', shape: [3, 0, 2], data: new Float32Array(0) }],
  ['step', { dtype: 'int32', shape: [], data: Int32Array.of(-2147483648) }],
  ['counts', { dtype: 'int32', shape: [3, 1], data: Int32Array.of(0, -1, 2147483647) }],
  ['bytes', { dtype: 'uint8', shape: [5], data: Uint8Array.of(0, 1, 127, 128, 255) }],
  ...['', '0', '10', '9', 'a b', 'ä/ö', '勾配', '🧪', '"\\', 'line\nbreak', '\u0000', '__proto__', 'constructor'].map(
    (name, index): [string, HostTensor] => [name, { dtype: 'uint8', shape: [1], data: Uint8Array.of(index) }],
  ),
]);
const metadata = { format: 'trikd', '': 'ä "quoted" \\ \n', 長さ: '' };

const TYPES = { float32: 'F32', int32: 'I32', uint8: 'U8' } as const;
const base64 = ({ data }: HostTensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
const told = (name: (tensor: HostTensor) => string): Told['tensors'] =>
  Object.fromEntries(
    [...params].map(([key, tensor]) => [key, { dtype: name(tensor), shape: tensor.shape, data: base64(tensor) }]),
  );

test('the Python package reads what we write: names, types, shapes, metadata and every bit', () => {
  writeFileSync(file, encodeSafetensors(params, metadata));
  expect(readByPython(file)).toEqual({ metadata, tensors: told(({ dtype }) => TYPES[dtype]) });
});

test('we read what the Python package writes, and would have written the same bytes', () => {
  // Of several texts of metadata it writes any order.
  const one = { format: 'trikd' };
  writeByPython({ [file]: { metadata: one, tensors: told(({ dtype }) => dtype) } });
  const read = decodeSafetensors(readFileSync(file));
  expect(read.metadata).toEqual(one);
  expect(new Map([...read.params].map(([name, tensor]) => [name, { ...tensor, data: base64(tensor) }]))).toEqual(
    new Map([...params].map(([name, tensor]) => [name, { ...tensor, data: base64(tensor) }])),
  );
  expect(readFileSync(file)).toEqual(Buffer.from(encodeSafetensors(params, one)));
});

describe('a sound file of the Python package is refused by the name of its type', () => {
  const types = [
    ['float16', 'F16', 2],
    ['bfloat16', 'BF16', 2],
    ['float64', 'F64', 8],
    ['int8', 'I8', 1],
    ['int16', 'I16', 2],
    ['int64', 'I64', 8],
    ['uint16', 'U16', 2],
    ['uint32', 'U32', 4],
    ['uint64', 'U64', 8],
    ['bool', 'BOOL', 1],
    ['float8_e4m3fn', 'F8_E4M3', 1],
    ['float8_e5m2', 'F8_E5M2', 1],
  ] as const;
  const fileOf = (dtype: string) => join(folder, `${dtype}.safetensors`);
  beforeAll(() => {
    const written = types.map(([dtype, , bytes]): [string, Told] => {
      const data = Buffer.alloc(2 * bytes).toString('base64');
      return [fileOf(dtype), { metadata: {}, tensors: { kernel: { dtype, shape: [2], data } } }];
    });
    writeByPython(Object.fromEntries(written));
  });

  test.each(types)('%s', (dtype, name) => {
    expect(() => decodeSafetensors(readFileSync(fileOf(dtype)))).toThrow(
      expect.objectContaining({
        kind: 'corrupt',
        message: expect.stringContaining(`tensor kernel: ✖ type ${name} is not read, only F32, I32 and U8 are`),
      }),
    );
  });
});
