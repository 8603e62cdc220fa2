import { describe, expect, test } from 'vitest';
import { npyImages, npyLabelCount, npyLabels, readNpyHeader } from './npy.js';

/** The first bytes of an array, as NumPy 2 writes them. */
function file(text: string, version = 1): Buffer {
  const length = version === 1 ? Buffer.alloc(2) : Buffer.alloc(4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  return Buffer.concat([Buffer.from([0x93]), Buffer.from('NUMPY'), Buffer.of(version, 0), length, Buffer.from(text)]);
}
const header = (descr: string, shape: string) =>
  readNpyHeader('a', file(`{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }          \n`));

test.each([
  ['(60000, 28, 28)', [60_000, 28, 28], 47_040_000],
  ['(5,)', [5], 5],
  ['()', [], 1],
])('the shape %s', (text, shape, length) => {
  expect(header("'|u1'", text)).toMatchObject({ shape, length, type: 'u1' });
});

test('a header of version 2 starts later', () => {
  const text = "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }\n";
  expect(readNpyHeader('a', file(text, 2))).toMatchObject({ start: 12 + text.length, length: 12 });
});

describe('is refused by name:', () => {
  test.each([
    ["'|O'", '(3,)', 'a has Python objects, which are pickled and not read'],
    ["[('x', '<i4')]", '(3,)', 'a has elements that are not numbers'],
    ["'|u1'", "('3',)", 'a has a header without a shape'],
  ])('elements %s of shape %s', (descr, shape, message) => {
    expect(() => header(descr, shape)).toThrow(message);
  });

  test('columns first', () => {
    const text = "{'descr': '|u1', 'fortran_order': True, 'shape': (3, 4, 4), }";
    expect(() => readNpyHeader('a', file(text))).toThrow('a is stored column by column');
  });

  test('a file of another format, and one that is cut', () => {
    expect(() => readNpyHeader('a', Buffer.from('root:x:0:0:secret'))).toThrow(/^a is no array of NumPy$/);
    const whole = file("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }");
    expect(() => readNpyHeader('a', whole.subarray(0, 40))).toThrow('a has a header of 57 bytes');
  });

  test('images that are no bytes, or have no pixels', () => {
    expect(() => npyImages(header("'<f4'", '(3, 4, 4)'))).toThrow('a has elements of type f4: images are uint8');
    expect(() => npyImages(header("'|u1'", '(3, 0, 4)'))).toThrow('a has shape 3x0x4');
    expect(() => npyImages(header("'|u1'", '(3, 4)'))).toThrow('a has shape 3x4');
  });

  test('several labels of an image', () => {
    expect(() => npyLabelCount(header("'<i8'", '(3, 14)'))).toThrow('a has shape 3x14: labels are one for each image');
  });
});

test('images have one channel or as many as they say', () => {
  expect(npyImages(header("'|u1'", '(3, 4, 5)'))).toEqual({ count: 3, height: 4, width: 5, channels: 1 });
  expect(npyImages(header("'|u1'", '(3, 4, 5, 2)'))).toEqual({ count: 3, height: 4, width: 5, channels: 2 });
});

describe('labels are read', () => {
  test.each([
    ['<i8', [7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], [7, 256]],
    ['<u4', [7, 0, 0, 0, 0, 1, 0, 0], [7, 256]],
    ['>i2', [0, 7, 1, 0], [7, 256]],
    ['|u1', [7, 200], [7, 200]],
  ])('of type %s', (type, bytes, labels) => {
    const found = header(`'${type}'`, '(2, 1)');
    expect(npyLabelCount(found)).toBe(2);
    expect([...npyLabels(found, Uint8Array.from(bytes))]).toEqual(labels);
  });

  test('and refused where they are no class index', () => {
    const found = header("'|i1'", '(2,)');
    expect(() => npyLabels(found, Uint8Array.of(0, 255))).toThrow('a has label -1 for image 1: labels are from 0');
  });
});
