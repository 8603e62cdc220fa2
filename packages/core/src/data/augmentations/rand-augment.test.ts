import { expect, test } from 'vitest';
import { OPERATIONS } from './rand-augment.js';

const shape = { height: 5, width: 5, channels: 1 };
const pixels = Uint8Array.from({ length: 25 }, (_, i) => 10 * i);
const names = [
  ...['identity', 'shear-x', 'shear-y', 'translate-x', 'translate-y', 'rotate', 'brightness', 'saturation', 'contrast'],
  ...['sharpness', 'posterize', 'solarize', 'autocontrast', 'equalize'],
];

function operation(name: string, strength: number, of = pixels): readonly number[] {
  return [...OPERATIONS[names.indexOf(name)]!(of, shape, { strength, sign: 1 })];
}

const row = (values: readonly number[], y: number) => values.slice(5 * y, 5 * y + 5);

test('what has a magnitude changes nothing at strength 0', () => {
  for (const name of names.slice(0, 12)) expect(operation(name, 0)).toEqual([...pixels]);
});

test('translation moves by 150 / 331 of a side, and brings zeros in', () => {
  expect(row(operation('translate-x', 1), 1)).toEqual([70, 80, 90, 0, 0]);
  expect(row(operation('translate-y', 1), 0)).toEqual(row([...pixels], 2));
});

test('shear moves a row by 0.3 of its distance from the centre', () => {
  // Two rows above the centre: 0.6 pixels.
  expect(row(operation('shear-x', 1), 0)).toEqual([0, 0, 10, 20, 30]);
  expect(row(operation('shear-x', 1), 2)).toEqual(row([...pixels], 2));
});

test('rotation keeps the centre', () => {
  const rotated = operation('rotate', 1);
  expect(rotated[12]).toBe(120);
  expect(rotated).not.toEqual([...pixels]);
});

// As ImageOps of Pillow has them.
test('tables of values are those of Pillow', () => {
  const two = Uint8Array.from({ length: 25 }, (_, i) => (i < 20 ? 50 : 100));
  expect(new Set(operation('autocontrast', 1, two))).toEqual(new Set([0, 255]));
  expect(operation('posterize', 1)).toEqual([...pixels].map((value) => value & 0xf0));
  expect(operation('solarize', 1)).toEqual([...pixels].map((value) => 255 - value));
});

test('equalizing makes frequent values further apart', () => {
  const large = { height: 60, width: 68, channels: 1 };
  const values = Uint8Array.from({ length: 4080 }, (_, i) => 100 + Math.floor(i / 255));
  const equal = OPERATIONS[names.indexOf('equalize')]!(values, large, { strength: 1, sign: 1 });
  expect([...new Set(equal)]).toEqual(Array.from({ length: 16 }, (_, i) => 17 * i));
});

test('sharpness leaves the border, and a flat image', () => {
  expect(row(operation('sharpness', 1), 0)).toEqual(row([...pixels], 0));
  const flat = new Uint8Array(25).fill(90);
  expect(operation('sharpness', 1, flat)).toEqual([...flat]);
});
