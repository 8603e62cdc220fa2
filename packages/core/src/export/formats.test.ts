import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { channelsFirst, transposed } from './channels-first.js';
import { bytesOf, float16Bits, quantised, readBack } from './export-format.js';
import { edgesOf } from './model-graph.js';
import { float, int, message, packedInts, text } from './protobuf.js';
import { modulePath } from './pytorch-weights.js';

/** A typed array of newer versions of JavaScript than the compiler knows. */
const { Float16Array } = globalThis as unknown as { readonly Float16Array: Float32ArrayConstructor };

const weight = (shape: readonly number[], ...data: number[]) => ({ name: 'w', shape, data: Float32Array.from(data) });

describe('protocol buffers', () => {
  test('are the bytes of the specification', () => {
    expect([...int(1, 150)]).toEqual([0x08, 0x96, 0x01]);
    expect([...text(2, 'testing')]).toEqual([0x12, 0x07, ...Buffer.from('testing')]);
    expect([...message(3, int(1, 150))]).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
    expect([...packedInts(6, [3, 270, 86942])]).toEqual([0x32, 6, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]);
    expect([...float(5, 1)]).toEqual([0x2d, 0, 0, 0x80, 0x3f]);
  });

  test('have negative numbers in ten bytes, and fields above 15 in two', () => {
    expect([...int(2, -1)]).toEqual([0x10, ...Array(9).fill(0xff), 0x01]);
    expect([...int(20, true)]).toEqual([0xa0, 0x01, 0x01]);
  });
});

describe('float16', () => {
  test('is the nearest one, as JavaScript rounds', () => {
    fc.assert(
      fc.property(fc.float({ min: -65000, max: 65000, noNaN: true }), (value) => {
        const expected = new Uint16Array(new Float16Array([value]).buffer);
        expect([...float16Bits(weight([1, 1], value))]).toEqual([...expected]);
      }),
    );
  });

  test.each([
    0,
    -0,
    1,
    65504,
    2 ** -24,
    2 ** -25,
    1.5 * 2 ** -24,
    2 ** -14,
    2 ** -14 - 2 ** -26,
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
  ])('of %d is the nearest one, ties to even', (value) => {
    expect([...readBack(weight([1, 1], value))]).toEqual([...new Float16Array([value])]);
  });

  test.each([65520, Number.POSITIVE_INFINITY, Number.NaN])('does not reach %d', (value) => {
    expect(() => float16Bits(weight([1, 1], value))).toThrow(
      expect.objectContaining({ kind: 'invalid', message: expect.stringMatching(/^param w has the value/) }),
    );
  });

  test('is for kernels: vectors keep their numbers', () => {
    const vector = weight([1], 0.1);
    expect(readBack(vector)).toBe(vector.data);
    expect(bytesOf(vector.data)).toHaveLength(4);
  });
});

describe('int8', () => {
  test('has a scale for each output channel, whose largest number is 127', () => {
    const kernel = weight([2, 2], 1, -10, -2, 5);
    const { values, scales } = quantised(kernel, 'last', 2);
    expect([...values]).toEqual([64, -127, -127, 64]);
    expect([...scales]).toEqual([Math.fround(2 / 127), Math.fround(10 / 127)]);
    expect([...quantised(kernel, 'first', 2).scales]).toEqual([Math.fround(10 / 127), Math.fround(5 / 127)]);
  });

  test('has no number beyond 127, however small a channel, and a channel of zeros stays one', () => {
    expect([...quantised(weight([3, 2], 0, 2.5e-43, 0, -2.5e-43, 0, 1e-44), 'last', 2).values]).toEqual([
      0, 127, 0, -127, 0, 7,
    ]);
  });

  test('does not reach a number that is not finite', () => {
    expect(() => quantised(weight([1, 1], Number.NaN), 'last', 1)).toThrow('param w has the value NaN');
  });
});

describe('zeros around an image', () => {
  const window = { size: [3, 3], strides: [2, 2], padding: 'same' } as const;

  test('are one more after it than before where their number is odd', () => {
    expect(edgesOf(window, [8, 8, 1])).toEqual({ top: 0, bottom: 1, left: 0, right: 1 });
    expect(edgesOf(window, [7, 8, 1])).toEqual({ top: 1, bottom: 1, left: 0, right: 1 });
  });

  test('are none of a valid window, nor of one that is smaller than its stride', () => {
    const none = { top: 0, bottom: 0, left: 0, right: 0 };
    expect(edgesOf({ ...window, padding: 'valid' }, [8, 8, 1])).toEqual(none);
    expect(edgesOf({ ...window, size: [1, 1] }, [8, 8, 1])).toEqual(none);
  });
});

describe('layouts', () => {
  test('an axis of a transposed weight is the one that the order names', () => {
    expect(transposed(weight([2, 3], 1, 2, 3, 4, 5, 6), [1, 0])).toEqual(weight([3, 2], 1, 4, 2, 5, 3, 6));
    const cube = weight([2, 1, 3], 1, 2, 3, 4, 5, 6);
    expect(transposed(cube, [2, 0, 1])).toEqual(weight([3, 2, 1], 1, 4, 2, 5, 3, 6));
    expect(transposed(transposed(cube, [2, 0, 1]), [1, 2, 0])).toEqual(cube);
  });

  test('a depthwise kernel has a group for each channel, with its outputs one after another', () => {
    const kernel = weight([1, 1, 2, 2], 1, 2, 3, 4);
    const window = { size: [1, 1], strides: [1, 1], padding: 'same' } as const;
    expect(channelsFirst({ kind: 'depthwise-convolution', kernel, ...window })).toEqual({
      kernel: weight([4, 1, 1, 1], 1, 2, 3, 4),
      groups: 2,
    });
  });
});

test.each([
  ['stage1/block0/conv1', 'stage1.block0.conv1'],
  ['1st', '_1st'],
  ['a-b c', 'a_b_c'],
  ['train', 'train_'],
  ['x\n    import os', 'x_____import_os'],
  ['a//b', 'a._.b'],
])('the layer %j is the module %s in PyTorch', (name, path) => {
  expect(modulePath({ name })).toBe(path);
});
