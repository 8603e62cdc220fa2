import fc from 'fast-check';
import { expect, test } from 'vitest';
import { below, philox4x32, randomWords } from './random.js';

const ONES = 0xffffffff;

test.each([
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [ONES, ONES, ONES, ONES],
    [ONES, ONES],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
] as const)('philox4x32 of %j with key %j is the known answer of Random123', (counter, [key0, key1], answer) => {
  const block = Uint32Array.from(counter);
  philox4x32(block, key0, key1);
  expect([...block]).toEqual(answer);
});

const stream = fc.record({
  purpose: fc.constantFrom('permutation', 'augmentation', 'prototypes', 'noise', 'weights'),
  seed: fc.nat(3),
  stage: fc.nat(3),
  epoch: fc.nat(3),
});

function wordsAt(name: Parameters<typeof randomWords>[0], index: number): string {
  const words = new Uint32Array(4);
  randomWords(name, index, words);
  return words.join();
}

test('streams of different names, and different places of one stream, differ', () => {
  fc.assert(
    fc.property(stream, fc.nat(3), stream, fc.nat(3), (a, i, b, j) => {
      const same = JSON.stringify([a, i]) === JSON.stringify([b, j]);
      expect(wordsAt(a, i) === wordsAt(b, j)).toBe(same);
    }),
  );
});

test('a word falls below its bound, and every value below it is reached', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 0xffffffff }), fc.nat(0xffffffff), (bound, word) => {
      expect(below(word, bound)).toBeGreaterThanOrEqual(0);
      expect(below(word, bound)).toBeLessThan(bound);
    }),
  );
  expect([below(0, 3), below(0x80000000, 3), below(ONES, 3)]).toEqual([0, 1, 2]);
});
