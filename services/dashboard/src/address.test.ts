import { expect, test } from 'vitest';
import { addressOf, addressOfComparison, addressOfList, placeIn } from './address.js';

test('an address leads to what it was made for', () => {
  expect(placeIn(addressOf('tiny'))).toEqual({ page: 'run', runId: 'tiny' });
  expect(placeIn(addressOfComparison(['a', 'b', 'a']))).toEqual({ page: 'comparison', runIds: ['a', 'b'] });
  expect(placeIn(addressOfList('q=lr'))).toEqual({ page: 'runs', query: 'q=lr' });
  expect(placeIn(addressOfList())).toEqual({ page: 'runs', query: '' });
});

test.each(['', '#', '#/nowhere', '#/runs/a/b'])('%j leads to the list of runs', (hash) => {
  expect(placeIn(hash)).toEqual({ page: 'runs', query: '' });
});

test('a damaged address names a run that does not exist', () => {
  expect(placeIn('#/runs/%E0%A4')).toEqual({ page: 'run', runId: '%E0%A4' });
});
