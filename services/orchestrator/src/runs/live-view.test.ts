import { expect, test } from 'vitest';
import { liveView } from './live-view.js';
import type { DutyNews, ProgressNews } from './ports.js';

const trained = (role: 'teacher' | 'student'): ProgressNews => ({
  ...{ kind: 'progress', role, generation: 0, totalSteps: 100 },
  progress: {
    nextStep: 5,
    stepsPerSecond: 10,
    terms: [],
    batchAccuracy: 0,
    gradientNorm: 0,
    learningRate: 0,
    waits: {},
  },
});
const lost: DutyNews = { kind: 'stalled', by: 'orchestrator', on: 'student', reason: 'cannot be reached' };
const back: DutyNews = { kind: 'went-on', by: 'orchestrator', on: 'student' };
const away: DutyNews = { kind: 'stalled', by: 'orchestrator', on: 'store', reason: 'no route' };

function viewAfter(...news: readonly DutyNews[]) {
  let second = 0;
  const live = liveView(() => `at ${second++}`);
  for (const each of news) live.heard(each);
  return live.view();
}

const ratesOf = ({ progress }: ReturnType<typeof viewAfter>) =>
  Object.values(progress).map((news) => news.progress.stepsPerSecond);

test('no model has a rate while another one is waited for, and both have it again afterwards', () => {
  const both = [trained('teacher'), trained('student')];
  expect(ratesOf(viewAfter(...both))).toEqual([10, 10]);
  expect(ratesOf(viewAfter(...both, lost))).toEqual([0, 0]);
  expect(ratesOf(viewAfter(...both, lost, back))).toEqual([10, 10]);
});

test('the models train on while the orchestrator waits for the store', () => {
  expect(ratesOf(viewAfter(trained('teacher'), away))).toEqual([10]);
});

test('a view has the time at which the first stall began, or the last one ended', () => {
  expect(viewAfter(lost, away)).toMatchObject({ stalls: [lost, away], stalledAt: 'at 0' });
  expect(viewAfter(lost, away, back)).toMatchObject({ stalls: [away], stalledAt: 'at 0' });
  expect(viewAfter(lost, back)).toMatchObject({ stalls: [], stalledAt: 'at 1' });
});
