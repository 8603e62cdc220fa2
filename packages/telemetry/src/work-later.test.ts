import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { workLater } from './work-later.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function rig() {
  const done: number[] = [];
  const later = workLater(4, 1000);
  const add = (...pieces: readonly number[]) => {
    for (const piece of pieces) later.add(() => done.push(piece));
  };
  return { done, later, add };
}

test('work is done in its order when there is enough of it', () => {
  const { done, add } = rig();
  add(1, 2, 3);
  expect(done).toEqual([]);
  add(4, 5);
  expect(done).toEqual([1, 2, 3, 4]);
});

test('what is too little for that is done after a while, once', () => {
  const { done, add } = rig();
  add(1, 2);
  vi.advanceTimersByTime(999);
  expect(done).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(done).toEqual([1, 2]);
  add(3);
  vi.advanceTimersByTime(5000);
  expect(done).toEqual([1, 2, 3]);
});

test('at the end nothing is left', () => {
  const { done, later, add } = rig();
  add(1, 2, 3);
  later.now();
  expect(done).toEqual([1, 2, 3]);
  vi.advanceTimersByTime(5000);
  later.now();
  expect(done).toEqual([1, 2, 3]);
});
