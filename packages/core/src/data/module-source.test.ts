import { expect, test } from 'vitest';
import { moduleSource } from './module-source.js';

const shape = { height: 1, width: 2, channels: 1 };
const train = { images: Uint8Array.of(1, 2, 3, 4, 5, 6), labels: [0, 1, 1] };
const of = (changes: object = {}) => moduleSource('mine.ts', { ...shape, train, ...changes });

test('classes are counted, or follow from their names, or are said', () => {
  expect(of().classes).toBe(2);
  expect(of({ classNames: ['cat', 'dog', 'eel'] }).classes).toBe(3);
  expect(of({ classes: 300 }).train.labels).toEqual(Uint16Array.of(0, 1, 1));
  expect(of({ test: { images: Uint8Array.of(1, 2), labels: Uint8Array.of(4) } }).classes).toBe(5);
});

test.each([
  [{ train: { ...train, images: [1, 2] } }, /train\.images: /],
  [{ height: 0 }, /height: /],
  [{ extra: 1 }, /extra/],
  [{ train: { ...train, images: Uint8Array.of(1) } }, /have 1 bytes of pixels in train, expected 6: 3 x 1 x 2 x 1$/],
  [{ train: { images: new Uint8Array(0), labels: [] }, classes: 2 }, /have no images in train$/],
  [{ train: { ...train, labels: [0, 0, 0] } }, /have one class alone$/],
  [{ train: { ...train, labels: [0, -1, 1] } }, /have the label -1 in train: labels are 0 to 1$/],
  [{ train: { ...train, labels: [0, 1, 70_000] } }, /have 70001 classes: at most 65536 are told apart$/],
  [{ classes: 2, test: { images: Uint8Array.of(1, 2), labels: [2] } }, /have the label 2 in test/],
  [{ classes: 3, classNames: ['a', 'b'] }, /have 3 classes, and 2 names of classes$/],
])('data with %o are refused by the name of the module', (changes, message) => {
  expect(() => of(changes)).toThrow(/^the data of mine\.ts /);
  expect(() => of(changes)).toThrow(message);
});

test.each([undefined, null, 7, []])('%o is no data', (returned) => {
  expect(() => moduleSource('mine.ts', returned)).toThrow(/^the data of mine\.ts cannot be used: /);
});
