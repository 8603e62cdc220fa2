import { RunSummary } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { expect, test } from 'vitest';
import { FIRST_STATE, type ListState } from './list-state.js';
import { commonMetric, filterValues, PAGE_SIZE, resultText, secondsOf, shownRuns } from './runs-in-list.js';

const run = (runId: string, fields: object = {}): RunSummary =>
  RunSummary.fromJSON({ runId, phase: 'RUN_PHASE_COMPLETED', method: 'trikd', ...fields });
const scored = (validation: number) => ({ result: { metric: 'accuracy', validation, test: validation / 2 } });
const names = (runs: readonly RunSummary[], state: Partial<ListState>) =>
  shownRuns(runs, { ...FIRST_STATE, ...state }, 0).rows.map(({ runId }) => runId);

test('numbers in names are sorted as numbers', () => {
  const runs = ['lr-45', 'lr-5', 'lr-10'].map((name) => run(name));
  expect(names(runs, { sort: 'name', descending: false })).toEqual(['lr-5', 'lr-10', 'lr-45']);
});

test('runs without a score come last in both directions', () => {
  const runs = [run('none'), run('low', scored(0.2)), run('high', scored(0.9))];
  expect(names(runs, { sort: 'validation', descending: true })).toEqual(['high', 'low', 'none']);
  expect(names(runs, { sort: 'validation', descending: false })).toEqual(['low', 'high', 'none']);
});

test('all words of a search have to be in name, tags, method, networks or owner', () => {
  const runs = [
    run('a', { tags: ['Sweep'], owner: { subject: 'ada', team: 'vision' } }),
    run('b', { method: 'kd', networks: [{ participant: 'student', network: 'resnet, depth 8' }] }),
  ];
  expect(names(runs, { search: 'sweep VISION' })).toEqual(['a']);
  expect(names(runs, { search: 'kd resnet' })).toEqual(['b']);
  expect(names(runs, { search: 'resnet sweep' })).toEqual([]);
});

test('filters by phase, method and tag all have to fit', () => {
  const runs = [
    run('a', { tags: ['x'] }),
    run('b', { tags: ['x'], method: 'kd', phase: 'RUN_PHASE_TRAINING' }),
    run('c', { method: 'kd', phase: 'RUN_PHASE_QUEUED' }),
  ];
  expect(names(runs, { phase: 'active' })).toEqual(['b', 'c']);
  expect(names(runs, { phase: 'active', tag: 'x', method: 'kd' })).toEqual(['b']);
  expect(filterValues(runs)).toEqual({
    ...{ phases: ['completed', 'queued', 'training'], methods: ['kd', 'trikd'], tags: ['x'] },
  });
});

test('a page that does not exist any more shows the last one', () => {
  const runs = Array.from({ length: PAGE_SIZE + 2 }, (_, index) => run(`r-${index}`));
  const shown = shownRuns(runs, { ...FIRST_STATE, sort: 'name', descending: false, page: 7 }, 0);
  expect(shown).toMatchObject({ page: 1, pages: 2, first: PAGE_SIZE, fitting: PAGE_SIZE + 2 });
  expect(shown.rows.map(({ runId }) => runId)).toEqual(['r-50', 'r-51']);
});

test('the duration of a run is from its first trio to its end, or until now', () => {
  const times = { createTime: '2026-01-01T00:00:00Z', startTime: '2026-01-01T00:01:00Z' };
  const now = Date.parse('2026-01-01T00:03:00Z');
  expect(secondsOf(run('a', { ...times, endTime: '2026-01-01T00:02:00Z' }), now)).toBe(60);
  expect(secondsOf(run('a', { ...times, phase: 'RUN_PHASE_TRAINING' }), now)).toBe(120);
  expect(secondsOf(run('a', { createTime: times.createTime, phase: 'RUN_PHASE_QUEUED' }), now)).toBeUndefined();
  expect(secondsOf(run('a', times), now)).toBeUndefined();
});

test('a score is shown as its metric is, and named if all runs have the same', () => {
  expect(resultText(run('a', scored(0.5)), 'validation')).toBe('50.00 %');
  expect(resultText(run('a'), 'test')).toBeUndefined();
  expect(commonMetric([run('a', scored(0.5)), run('b')])?.name).toBe('accuracy');
  expect(commonMetric([run('a', scored(0.5)), run('b', { result: { metric: 'nll' } })])).toBeUndefined();
});
