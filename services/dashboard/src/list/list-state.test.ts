import { expect, test } from 'vitest';
import { FIRST_STATE, listStateIn, MOST_COMPARED, queryOf, sortedBy, toggled } from './list-state.js';

test('the state is in the query, and what is as at first is not', () => {
  expect(queryOf(FIRST_STATE)).toBe('');
  const state = {
    ...{ search: 'lr 5', phase: 'active', method: 'kd', tag: 'set=3', page: 2, selected: ['a', 'b'] },
    ...{ sort: 'validation' as const, descending: false },
  };
  expect(listStateIn(queryOf(state))).toEqual(state);
  expect(queryOf({ ...FIRST_STATE, page: 1, descending: false })).toBe('sort=created&page=2');
});

test.each(['sort=nothing', 'page=-1', 'page=1.5', 'page=x'])('%s says nothing', (query) => {
  expect(listStateIn(query)).toEqual(FIRST_STATE);
});

test('a column is sorted from its best end first, then from the other', () => {
  const byScore = sortedBy({ ...FIRST_STATE, page: 3 }, 'validation');
  expect(byScore).toMatchObject({ sort: 'validation', descending: true, page: 0 });
  expect(sortedBy(byScore, 'validation').descending).toBe(false);
  expect(sortedBy(byScore, 'name')).toMatchObject({ sort: 'name', descending: false });
});

test('no more runs are selected than can be compared', () => {
  const names = Array.from({ length: MOST_COMPARED + 3 }, (_, index) => `r${index}`);
  const all = names.reduce(toggled, FIRST_STATE);
  expect(all.selected).toEqual(names.slice(0, MOST_COMPARED));
  expect(toggled(all, 'r0').selected).toEqual(names.slice(1, MOST_COMPARED));
});
