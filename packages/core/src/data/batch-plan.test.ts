import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchIndices, epochOf, stepsPerEpoch, totalSteps } from './batch-plan.js';

const plan = fc
  .record({
    seed: fc.nat(0xffffffff),
    generation: fc.nat(5),
    examples: fc.integer({ min: 1, max: 90 }),
    part: fc.nat(89),
  })
  .map(({ part, ...rest }) => ({ ...rest, batchSize: 1 + (part % rest.examples) }));

function epoch(of: Parameters<typeof batchIndices>[0], number: number): readonly number[] {
  const steps = stepsPerEpoch(of.examples, of.batchSize);
  return Array.from({ length: steps }, (_, i) => [...batchIndices(of, number * steps + i)]).flat();
}

test('an epoch visits no example twice, and every one when batches divide them', () => {
  fc.assert(
    fc.property(plan, fc.nat(4), (one, number) => {
      const visited = epoch(one, number);
      expect(new Set(visited).size).toBe(visited.length);
      expect(visited.length).toBe(one.examples - (one.examples % one.batchSize));
      expect(visited.every((index) => index >= 0 && index < one.examples)).toBe(true);
    }),
  );
});

test('the order in which steps are asked for changes nothing', () => {
  const one = { seed: 1, generation: 0, examples: 50, batchSize: 10 };
  const forth = Array.from({ length: 40 }, (_, step) => batchIndices(one, step));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(39), fc.nat(3)), { maxLength: 30 }), (asked) => {
      for (const [step, generation] of asked) {
        const indices = batchIndices({ ...one, generation }, step);
        if (generation === 0) expect(indices).toEqual(forth[step]);
      }
    }),
  );
});

test('what a caller does to its indices changes no later batch', () => {
  const one = { seed: 2, generation: 0, examples: 8, batchSize: 4 };
  const before = [...batchIndices(one, 0)];
  batchIndices(one, 0).fill(0);
  expect([...batchIndices(one, 0)]).toEqual(before);
});

test('seeds, generations and epochs have orders of their own', () => {
  const one = { seed: 1, generation: 0, examples: 100, batchSize: 100 };
  const orders = [
    batchIndices(one, 0),
    batchIndices(one, 1),
    batchIndices({ ...one, seed: 2 }, 0),
    batchIndices({ ...one, generation: 1 }, 0),
  ];
  expect(new Set(orders.map(String)).size).toBe(4);
});

test('every example is about as often the first of an epoch as any other', () => {
  const counts = new Uint32Array(4);
  for (let step = 0; step < 4000; step++) {
    counts[batchIndices({ seed: 3, generation: 0, examples: 4, batchSize: 4 }, step)[0]!]!++;
  }
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(120);
});

test('the batches of seed 7 are these for ever', () => {
  const one = { seed: 7, generation: 1, examples: 10, batchSize: 5 };
  expect([0, 1, 2].map((step) => [...batchIndices(one, step)])).toMatchInlineSnapshot(`
    [
      [
        7,
        0,
        6,
        3,
        9,
      ],
      [
        5,
        8,
        2,
        1,
        4,
      ],
      [
        8,
        4,
        2,
        3,
        7,
      ],
    ]
  `);
});

test('steps are counted in whole batches', () => {
  expect([stepsPerEpoch(100, 32), totalSteps(100, 32, 5)]).toEqual([3, 15]);
  expect(epochOf({ seed: 0, generation: 0, examples: 100, batchSize: 32 }, 7)).toBe(2);
});

test('refuses a batch larger than the training split and a step that is none', () => {
  expect(() => stepsPerEpoch(31, 32)).toThrow('a batch of 32 needs more than the 31 training images');
  expect(() => batchIndices({ seed: 0, generation: 0, examples: 4, batchSize: 2 }, -1)).toThrow('step -1');
});
