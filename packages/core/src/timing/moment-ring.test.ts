import { expect, test } from 'vitest';
import { createMomentRing } from './moment-ring.js';
import type { StepMoment, TimedMoment } from './moments.js';

const at = (begun: number, ...moments: readonly StepMoment[]): TimedMoment[] =>
  moments.map((moment, index) => ({ moment, at: begun + index / 8 }));

test('moments are found as they were kept, to the last fraction of a millisecond', () => {
  const ring = createMomentRing(4);
  const moments = at(1_790_000_000_000.25, 'forward', 'next-data', 'next-data-done', 'await-anchor', 'publish', 'done');
  ring.keep(7, moments);
  expect(ring.find(7)).toEqual(moments);
});

test('a step is forgotten for the one that comes as many steps later as there is room for', () => {
  const ring = createMomentRing(4);
  for (let step = 0; step < 6; step++) ring.keep(step, at(step, 'forward', 'done'));
  expect([0, 1, 2, 3, 4, 5, 6].map((step) => ring.find(step)?.[0]?.at)).toEqual([
    undefined,
    undefined,
    2,
    3,
    4,
    5,
    undefined,
  ]);
  expect([1, 2, 5, 6].map((step) => ring.has(step))).toEqual([false, true, true, false]);
});

test('of more moments than a step has, the first and the last are kept', () => {
  const ring = createMomentRing(2);
  const many = at(0, ...Array<StepMoment>(20).fill('publish'), 'done');
  ring.keep(0, many);
  ring.keep(1, at(5, 'forward', 'done'));
  expect(ring.find(0)?.at(-1)).toEqual(many.at(-1));
  expect(ring.find(0)?.slice(0, -1)).toEqual(many.slice(0, 9));
  expect(ring.find(1)).toEqual(at(5, 'forward', 'done'));
});
