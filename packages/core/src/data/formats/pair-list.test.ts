import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reorderedPairs } from '../image-source.js';
import { parsePairList, stemOf } from './pair-list.js';

const of = (...lines: readonly string[]) => parsePairList('pairs.txt', `${lines.join('\n')}\n`);

describe('a list of pairs', () => {
  test('has folds, each with pairs of one identity and then of two', () => {
    const { folds, pairs } = of('2\t1', 'Ann\t1\t4', 'Ann\t1\tBob\t2', 'Cy\t2\t3', 'Cy\t1\tDee\t1');
    expect(folds).toBe(2);
    expect(pairs).toEqual([
      { left: { identity: 'Ann', number: 1 }, right: { identity: 'Ann', number: 4 }, same: 1, fold: 0, line: 2 },
      { left: { identity: 'Ann', number: 1 }, right: { identity: 'Bob', number: 2 }, same: 0, fold: 0, line: 3 },
      { left: { identity: 'Cy', number: 2 }, right: { identity: 'Cy', number: 3 }, same: 1, fold: 1, line: 4 },
      { left: { identity: 'Cy', number: 1 }, right: { identity: 'Dee', number: 1 }, same: 0, fold: 1, line: 5 },
    ]);
  });

  test('without folds is dealt to ten, with as many pairs of either kind in each', () => {
    const each = 25;
    const lines = Array.from({ length: 2 * each }, (_, i) => (i < each ? `A${i} 1 2` : `A${i} 1 B${i} 1`));
    const { folds, pairs } = of(`${each}`, ...lines);
    expect(folds).toBe(10);
    for (let fold = 0; fold < folds; fold++) {
      const inFold = pairs.filter((pair) => pair.fold === fold);
      const same = inFold.filter((pair) => pair.same === 1).length;
      expect([same, inFold.length]).toEqual([same, 2 * same]);
      expect(same).toBeGreaterThanOrEqual(2);
    }
  });

  test('may have the line ends of Windows', () => {
    expect(of('2 1\r', 'A 1 2\r', 'A 1 B 1\r', 'C 1 2\r', 'C 1 D 1\r').pairs).toHaveLength(4);
  });

  test.each([
    [['many'], 'line 1: expected the number of folds'],
    [['0 300'], 'line 1: 0 folds: there are 1 to 100'],
    [['101 1'], 'line 1: 101 folds: there are 1 to 100'],
    [['10 900000'], 'line 1: 18000000 pairs: at most 100000 are read'],
    [['1'], 'line 1: two pairs of either kind are needed'],
    [['2 1', 'A 1 2'], 'line 1: 2 x 2 x 1 pairs are 4 lines, and 1 follow'],
    [['2', 'A 1 2', 'B 1 B', 'A 1 B 1', 'A 2 B 1'], 'line 3: expected NAME NUMBER NUMBER, of one identity'],
    [['2', 'A 1 2', 'B 1 2', 'A 1 B', 'A 2 B 1'], 'line 4: expected NAME NUMBER NAME NUMBER, of two identities'],
    [['2', 'A 1 2', 'B 1 2', 'A 1 B 1', 'A 2 A 1'], 'line 5: A is named as two identities'],
    [['2', 'A 1 1', 'B 1 2', 'A 1 B 1', 'A 2 B 1'], 'line 2: an image is compared with itself'],
  ])('of %j is refused', (lines, message) => {
    expect(() => of(...lines)).toThrow(`pairs.txt: ${message}`);
  });
});

test('an image is named by its identity and a number of four digits', () => {
  expect(stemOf({ identity: 'Ann_Lee', number: 3 })).toBe('Ann_Lee_0003');
  expect(stemOf({ identity: 'A', number: 12_345 })).toBe('A_12345');
});

test('pairs compare the same images in whatever order these are', () => {
  const orders = fc
    .shuffledSubarray([...Array(9).keys()], { minLength: 9 })
    .map((order) => ({ order, images: order.map((index) => `image ${index}`) }));
  const pairs = {
    left: Uint32Array.of(0, 3, 8),
    right: Uint32Array.of(1, 8, 2),
    same: Uint8Array.of(1, 0, 0),
    fold: Uint8Array.of(0, 0, 1),
    folds: 2,
  };
  fc.assert(
    fc.property(orders, ({ order, images }) => {
      const { left, right } = reorderedPairs(pairs, Uint32Array.from(order));
      expect(Array.from(left, (place) => images[place])).toEqual(['image 0', 'image 3', 'image 8']);
      expect(Array.from(right, (place) => images[place])).toEqual(['image 1', 'image 8', 'image 2']);
    }),
  );
});
