import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TrikdError } from '../domain/errors.js';
import type { HostTensor, Params } from '../models/params.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';

const shape = fc.array(fc.nat(3), { maxLength: 3 });
const tensor: fc.Arbitrary<HostTensor> = shape.chain((sizes) => {
  const length = sizes.reduce((product, size) => product * size, 1);
  const exactly = { minLength: length, maxLength: length };
  return fc.oneof(
    fc.float32Array(exactly).map((data) => ({ dtype: 'float32' as const, shape: sizes, data })),
    fc.int32Array(exactly).map((data) => ({ dtype: 'int32' as const, shape: sizes, data })),
    fc.uint8Array(exactly).map((data) => ({ dtype: 'uint8' as const, shape: sizes, data })),
  );
});
const name = fc.string({ unit: 'grapheme' }).filter((text) => text !== '__metadata__');
const params = fc.array(fc.tuple(name, tensor), { maxLength: 6 }).map((list): Params => new Map(list));
const metadata = fc.dictionary(fc.string(), fc.string(), { maxKeys: 3, noNullPrototype: true });

/** The same bytes at an address that is not a multiple of 4. */
function misaligned(bytes: Uint8Array): Uint8Array {
  const larger = new Uint8Array(bytes.length + 1);
  larger.set(bytes, 1);
  return larger.subarray(1);
}

function file(header: string, data: number, claimed = Buffer.byteLength(header)): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(claimed));
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(data)]);
}

test('what is written is what is read, aligned or not', () => {
  fc.assert(
    fc.property(params, metadata, fc.boolean(), (written, texts, shifted) => {
      const bytes = encodeSafetensors(written, texts);
      const read = decodeSafetensors(shifted ? misaligned(bytes) : bytes);
      expect(new Map(read.params)).toEqual(new Map(written));
      expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(texts).sort());
    }),
  );
});

test('equal params give equal bytes, whatever the order they were named in', () => {
  fc.assert(
    fc.property(params, metadata, (one, texts) => {
      const turned = new Map([...one].reverse());
      const textsTurned = Object.fromEntries(Object.entries(texts).reverse());
      expect(encodeSafetensors(turned, textsTurned)).toEqual(encodeSafetensors(one, texts));
    }),
  );
});

test('the data begins at a multiple of 8', () => {
  fc.assert(
    fc.property(params, (one) => {
      expect(Buffer.from(encodeSafetensors(one)).readUInt32LE(0) % 8).toBe(0);
    }),
  );
});

/** safetensors 0.8.0 for Python: save({...}, metadata={'role': 'student'}) of the tensors below. */
const PYTHON_FILE =
  'SAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJyb2xlIjoic3R1ZGVudCJ9LCJhL2JpYXMiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzFdLCJkYXRhX29m' +
  'ZnNldHMiOlswLDRdfSwiYi9rZXJuZWwiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzIsMl0sImRhdGFfb2Zmc2V0cyI6WzQsMjBdfSwiw6kiOnsiZHR5' +
  'cGUiOiJGMzIiLCJzaGFwZSI6WzAsMl0sImRhdGFfb2Zmc2V0cyI6WzIwLDIwXX0sImMvc3RlcCI6eyJkdHlwZSI6IkkzMiIsInNoYXBlIjpbXSwiZGF0' +
  'YV9vZmZzZXRzIjpbMjAsMjRdfSwieiI6eyJkdHlwZSI6IlU4Iiwic2hhcGUiOlszXSwiZGF0YV9vZmZzZXRzIjpbMjQsMjddfX0gAAAAPwAAwD8AAADA' +
  'AACAPgAAQEAHAAAAAQID';

test('the bytes are those of the Python package', () => {
  const same: Params = new Map<string, HostTensor>([
    ['z', { dtype: 'uint8', shape: [3], data: Uint8Array.of(1, 2, 3) }],
    ['é', { dtype: 'float32', shape: [0, 2], data: new Float32Array(0) }],
    ['b/kernel', { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1.5, -2, 0.25, 3) }],
    ['c/step', { dtype: 'int32', shape: [], data: Int32Array.of(7) }],
    ['a/bias', { dtype: 'float32', shape: [1], data: Float32Array.of(0.5) }],
  ]);
  expect(Buffer.from(encodeSafetensors(same, { role: 'student' })).toString('base64')).toBe(PYTHON_FILE);
});

const whole = encodeSafetensors(
  new Map<string, HostTensor>([
    ['conv/kernel', { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ['step', { dtype: 'int32', shape: [], data: Int32Array.of(9) }],
  ]),
  { role: 'student' },
);

test('a file cut at any byte, or with anything added, is refused', () => {
  for (let end = 0; end < whole.length; end++) {
    expect(() => decodeSafetensors(whole.subarray(0, end))).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  }
  expect(() => decodeSafetensors(Buffer.concat([whole, Buffer.alloc(1)]))).toThrow('the tensors take 28 bytes');
});

test('flipped bits give params or a refusal by name, never a crash', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(whole.length * 8 - 1), { minLength: 1, maxLength: 8 }), (bits) => {
      const flipped = new Uint8Array(whole);
      for (const bit of bits) flipped[bit >> 3]! ^= 1 << (bit & 7);
      try {
        for (const one of decodeSafetensors(flipped).params.values()) expect(one.data.length).toBeLessThanOrEqual(28);
      } catch (error) {
        expect(error).toBeInstanceOf(TrikdError);
        expect(error).toMatchObject({ kind: 'corrupt' });
      }
    }),
    { numRuns: 1000 },
  );
});

const entry = (begin: number, end: number, sizes = '[1]', dtype = 'F32') =>
  `{"dtype":"${dtype}","shape":${sizes},"data_offsets":[${begin},${end}]}`;

describe('refuses', () => {
  test.each([
    ['a header longer than 1 MiB', file('{}', 0, 1024 * 1024 + 1), /header of 1048577 bytes, at most 1048576/],
    ['a header length of 2^63', file('{}', 0, 2 ** 63), /header of 9223372036854775808 bytes/],
    ['a header longer than the file', file('{}', 3, 10), /header of 10 bytes in a file of 13/],
    ['a header length that cuts the header', file(`{"a":${entry(0, 4)}}`, 4, 10), /is not JSON/],
    [
      'a header length that reaches into data that look like padding',
      file(`{"a":${entry(0, 8, '[2]')}}        `, 0),
      /the tensors take 8 bytes, the file has 0/,
    ],
    ['a leading space', file(' {}', 0), /does not begin with \{/],
    ['a header that is a list', file('[]', 0), /does not begin with \{/],
    ['a byte order mark', file('\ufeff{}', 0), /does not begin with \{/],
    ['broken JSON', file('{"a":}', 0), /is not JSON/],
    ['text after the header', file('{}x', 0), /is not JSON/],
    [
      'bytes that are not UTF-8',
      Buffer.concat([file('{"', 0, 6), Buffer.from([0xff, 0x22, 0x3a, 0x7d])]),
      /is not JSON/,
    ],
    ['a tensor named twice', file(`{"a":${entry(0, 4)},"a":${entry(0, 4)}}`, 4), /"a" appears twice/],
    ['a name escaped in two ways', file(`{"a":${entry(0, 4)},"\\u0061":${entry(0, 4)}}`, 4), /"a" appears twice/],
    ['a member named twice', file(`{"a":{"dtype":"F32","dtype":"F32"}}`, 4), /"dtype" appears twice/],
    ...['F16', 'BF16', 'F64', 'I8', 'I16', 'I64', 'U16', 'U32', 'U64', 'BOOL', 'F8_E4M3', 'f32'].map(
      (type): [string, Uint8Array, RegExp] => [
        `the type ${type}`,
        file(`{"a":${entry(0, 4, '[1]', type)}}`, 4),
        new RegExp(`tensor a: .*type ${type} is not read, only F32, I32 and U8 are`),
      ],
    ),
    ['an unknown member', file('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}}', 4), /tensor a: .*"x"/],
    ['a member named __proto__', file('{"a":{"__proto__":{"dtype":"F32"}}}', 0), /tensor a: .*"__proto__"/],
    ['a negative size', file(`{"a":${entry(0, 4, '[-1,-1]')}}`, 4), /tensor a: .*shape/],
    ['a fractional size', file(`{"a":${entry(0, 4, '[0.5,2]')}}`, 4), /tensor a: .*shape/],
    ['a size that overflows', file(`{"a":${entry(0, 4, '[4294967296,4294967296,0.0,1]')}}`, 4), /tensor a: 4 bytes/],
    ['a range of another size', file(`{"a":${entry(0, 8)}}`, 8), /tensor a: 8 bytes at 0..8 for F32\[1\]/],
    ['a range that runs backwards', file(`{"a":${entry(8, 4)}}`, 8), /tensor a: -4 bytes/],
    ['a hole', file(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12), /tensor b begins at 8, .* ends at 4/],
    ['an overlap', file(`{"a":${entry(0, 8, '[2]')},"b":${entry(4, 8)}}`, 8), /tensor b begins at 4, .* ends at 8/],
    [
      'an empty tensor inside another',
      file(`{"a":${entry(0, 8, '[2]')},"b":${entry(4, 4, '[0]')}}`, 8),
      /tensor b begins at 4/,
    ],
    ['a range beyond the file', file(`{"a":${entry(0, 8, '[2]')}}`, 4), /take 8 bytes, the file has 4/],
    ['metadata that is no text', file('{"__metadata__":{"a":1}}', 0), /metadata "a" is not a text/],
    ['metadata that is a list', file('{"__metadata__":[]}', 0), /the metadata is not an object/],
    ['metadata that is null', file('{"__metadata__":null}', 0), /the metadata is not an object/],
    ['a tensor that is null', file('{"a":null}', 0), /tensor a: /],
    [
      '4097 tensors',
      file(`{${Array.from({ length: 4097 }, (_, i) => `"${i}":${entry(0, 0, '[0]')}`).join()}}`, 0),
      /4097 tensors, at most 4096/,
    ],
    ['brackets without end', file(`{"a":${'['.repeat(500_000)}`, 0), /is not JSON/],
    ['brackets that end', file(`{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`, 0), /nested deeper than 64/],
  ])('%s', (_what, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(message);
    expect(() => decodeSafetensors(bytes)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });
});

test('a file whose names fill the header is refused in a sentence that can be read', () => {
  const decoding = () => decodeSafetensors(file(`{"${'x'.repeat(1_000_000)}":${entry(0, 8)}}`, 8));
  expect(decoding).toThrow(/^safetensors: tensor x{3900,}\.\.\.$/);
});

test('a tensor may be named like a member of every object', () => {
  const odd: Params = new Map([['__proto__', { dtype: 'uint8', shape: [1], data: Uint8Array.of(5) }]]);
  expect([...decodeSafetensors(encodeSafetensors(odd)).params.keys()]).toEqual(['__proto__']);
});

describe('refuses to write', () => {
  const one: HostTensor = { dtype: 'float32', shape: [2], data: new Float32Array(2) };
  test.each<[string, readonly [string, HostTensor][], RegExp]>([
    ['a shape that is not the data', [['a', { ...one, shape: [3] }]], /tensor a claims float32\[3\] but holds 2/],
    ['a type that is not the data', [['a', { ...one, dtype: 'int32' }]], /claims int32\[2\] but holds .* float32/],
    ['the name of the metadata', [['__metadata__', one]], /cannot name a tensor/],
    ['a name that has no UTF-8', [['\ud800', one]], /cannot name a tensor/],
    ['more than 4096 tensors', Array.from({ length: 4097 }, (_, i) => [`${i}`, one]), /4097 tensors/],
    ['a header over 1 MiB', [['a'.repeat(1024 * 1024), one]], /header of \d+ bytes/],
  ])('%s', (_what, list, message) => {
    expect(() => encodeSafetensors(new Map(list))).toThrow(message);
    expect(() => encodeSafetensors(new Map(list))).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });
});
