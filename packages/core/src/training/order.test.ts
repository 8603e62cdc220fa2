import { describe, expect, test } from 'vitest';
import { assertNotFenced, isSameOrder, type Order } from './order.js';

const LARGEST = 2 ** 32 - 1;
const order = (term: number, generation: number, attempt: number, runId = 'r'): Order => ({
  attempt: { runId, generation, attempt },
  term,
});
const refused = (asked: Order, active: Order | undefined) => () => assertNotFenced(asked, active);

describe('an active order fences out', () => {
  test('every order of an earlier term, also of another run', () => {
    expect(refused(order(3, 9, 9), order(4, 0, 1))).toThrow(
      expect.objectContaining({
        kind: 'out-of-step',
        message: 'run r generation 9 attempt 9 is ordered in term 3, another orchestrator leads in term 4',
      }),
    );
    expect(refused(order(3, 0, 1, 'other'), order(4, 0, 1))).toThrow(/another orchestrator leads in term 4/);
  });

  test('a lower attempt of the same run in the same term', () => {
    const message = 'run r generation 0 attempt 1 comes after run r generation 0 attempt 2';
    expect(refused(order(4, 0, 1), order(4, 0, 2))).toThrow(expect.objectContaining({ kind: 'out-of-step', message }));
    expect(refused(order(4, 0, 9), order(4, 1, 1))).toThrow(/comes after/);
  });
});

describe('an active order does not fence out', () => {
  test.each([
    ['itself', order(4, 1, 2)],
    ['a higher attempt', order(4, 1, 3)],
    ['another run of the same term', order(4, 0, 1, 'other')],
    ['a later term, whatever its attempt', order(5, 0, 1)],
  ])('%s', (_name, asked) => {
    expect(refused(asked, order(4, 1, 2))).not.toThrow();
  });

  test('a later term, when its attempt is the largest of all', () => {
    expect(refused(order(5, 0, 2), order(4, LARGEST, LARGEST))).not.toThrow();
  });
});

test('no order fences out nothing', () => {
  expect(refused(order(1, 0, 1), undefined)).not.toThrow();
});

test('the same attempt in another term is another order', () => {
  expect(isSameOrder(order(1, 0, 1), order(1, 0, 1))).toBe(true);
  expect(isSameOrder(order(1, 0, 1), order(2, 0, 1))).toBe(false);
});
