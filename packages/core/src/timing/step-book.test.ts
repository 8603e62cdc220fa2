import { expect, test } from 'vitest';
import type { Role } from '../domain/position.js';
import type { RoleStep } from './role-step.js';
import { createStepBook } from './step-book.js';

const BOTH = ['teacher', 'student'] as const;

const steps = (role: Role, first: number, until: number, duration = () => 20): RoleStep[] =>
  Array.from({ length: until - first }, (_, index) => {
    const took = duration();
    const phases = [{ kind: 'backward' as const, offset: 0, duration: took }];
    return { role, step: first + index, started: 1000 * (first + index), duration: took, phases };
  });

test('the news are of the steps that both trainers are over with, each once', () => {
  const book = createStepBook(BOTH);
  book.add('teacher', steps('teacher', 0, 5));
  expect(book.summarise()).toBeUndefined();
  book.add('student', steps('student', 0, 3));
  book.add('anchor', steps('anchor', 0, 12));
  expect(book.summarise()!.steps.map(({ step, roles }) => [step, roles.length])).toEqual([
    [0, 3],
    [1, 3],
    [2, 3],
  ]);
  expect(book.summarise()).toBeUndefined();
  book.add('student', steps('student', 1, 5));
  const summary = book.summarise()!;
  expect(summary.times).toMatchObject({ firstStep: 3, steps: 2 });
  expect(summary.steps.map(({ step }) => step)).toEqual([3, 4]);
  expect([book.find(4)?.roles.length, book.find(5), book.last()]).toEqual([3, undefined, 4]);
  expect([book.next('teacher'), book.next('student'), book.next('anchor')]).toEqual([5, 5, 12]);
});

test('a slow step is compared with the steps before it, and reported once', () => {
  const book = createStepBook(BOTH);
  const add = (first: number, until: number, duration?: () => number) => {
    book.add('teacher', steps('teacher', first, until, duration));
    book.add('student', steps('student', first, until, duration));
    return book.summarise();
  };
  expect(add(0, 20)!.slow).toBeUndefined();
  expect(add(20, 21, () => 200)!.slow).toMatchObject({ step: 20, duration: 200, usual: 20 });
  expect(add(21, 22)!.slow).toBeUndefined();
});

test('the first step of an attempt, which builds what all others use, is never reported as slow', () => {
  const book = createStepBook(BOTH);
  for (const role of BOTH) {
    book.add(role, [...steps(role, 7, 8, () => 900), ...steps(role, 8, 20)]);
  }
  expect(book.summarise()!.slow).toBeUndefined();
});

test('thousands of steps leave some hundred behind', () => {
  const book = createStepBook(BOTH);
  for (let first = 0; first < 4000; first += 1000) {
    for (const role of BOTH) book.add(role, steps(role, first, first + 1000));
    expect(book.summarise()!.times.steps).toBe(1000);
  }
});

test('a stage that trains one model has the times of its trainer alone', () => {
  const book = createStepBook(['student']);
  book.add('student', [...steps('student', 0, 19), ...steps('student', 19, 20, () => 200)]);
  const summary = book.summarise()!;
  expect(summary.times).toMatchObject({ firstStep: 0, steps: 20, roles: [{ role: 'student' }] });
  expect(summary.slow).toMatchObject({ step: 19, duration: 200 });
});
