import type { RoleProgressed, Stall } from '@trikd/core/run/run-event';
import { expect, test } from 'vitest';
import { liveView } from './live-view.js';

const trained = (participant: string): RoleProgressed => ({
  ...{ kind: 'progress', participant, generation: 0, totalSteps: 100 },
  progress: {
    nextStep: 5,
    stepsPerSecond: 10,
    terms: [],
    batchMetrics: { accuracy: 0 },
    gradientNorm: 0,
    learningRate: 0,
    waits: {},
  },
});
const lost: Stall = { by: 'orchestrator', on: 'student', reason: 'cannot be reached' };
const back = { by: 'orchestrator', on: 'student', reason: undefined } as const;
const away: Stall = { by: 'orchestrator', on: 'store', reason: 'no route' };

function viewAfter(...all: readonly (RoleProgressed | Stall | typeof back)[]) {
  let second = 0;
  const live = liveView(() => `at ${second++}`);
  for (const each of all) {
    if ('kind' in each) live.note(each);
    else live.waits(each.by, each.on, each.reason);
  }
  return live.view();
}

const ratesOf = ({ progress }: ReturnType<typeof viewAfter>) =>
  Object.values(progress).map((each) => each.progress.stepsPerSecond);

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
