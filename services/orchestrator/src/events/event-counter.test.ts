import { placementOfNew } from '@trikd/core/run/placement';
import type { RunEvent } from '@trikd/core/run/run-event';
import { changesOnStart, changesSince } from '@trikd/core/run/run-view';
import { firstState, type RunState } from '@trikd/core/run/state';
import { NO_TELEMETRY, type Telemetry } from '@trikd/telemetry/telemetry';
import { specFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { eventCounter } from './event-counter.js';

const spec = specFor('tiny');
const score = { metrics: { accuracy: 0.5, nll: 1 }, examples: 8 };
const params = { step: 4, validation: score, params: { key: 'k', sha256: 'ff', bytes: 1 } };

/** What is counted of the events of a run that gets these states, or of others, a second between two. */
function counted(states: readonly (RunState | RunEvent)[]) {
  const values: [string, number][] = [];
  const spans: [string, number, unknown][] = [];
  const telemetry: Telemetry = {
    ...NO_TELEMETRY,
    record: (metric, value) => void values.push([metric, value]),
    span: (name, begun, ended, attributes) => void spans.push([name, ended - begun, attributes['trikd.promoted']]),
  };
  let time = 0;
  let before: RunState | undefined;
  const count = eventCounter(telemetry, 'r', () => time);
  for (const each of states) {
    time += 1000;
    if (!('results' in each)) {
      count(each);
      continue;
    }
    const view = { spec, state: each, times: { changed: {} }, placement: placementOfNew() };
    for (const event of before ? changesSince(before, view) : changesOnStart(view)) count(event);
    before = each;
  }
  const of = (metric: string) => values.filter(([name]) => name === metric).map(([, value]) => value);
  return { of, spans };
}

const training: RunState = {
  ...firstState,
  phase: 'training',
  facts: { datasetDigest: 'd', classes: 4, totalSteps: 8, stepsPerEpoch: 4 },
};

test('counters begin with 0, so that their first count is an increase', () => {
  const { of } = counted([]);
  for (const counter of ['trikd.pairs', 'trikd.attempts', 'trikd.failures']) expect(of(counter)).toEqual([0]);
});

test('each start of a stage is counted once', () => {
  const { of } = counted([firstState, training, training, { ...training, attempt: 2 }]);
  expect(of('trikd.attempts')).toEqual([0, 1, 1]);
});

test('pairs and failures are counted', () => {
  const failed: RunState = { ...firstState, phase: 'failed', reason: 'diverged', kind: 'diverged' };
  const { of } = counted([{ kind: 'pair-committed', stage: 0, step: 4, manifestKey: 'm' }, firstState, failed, failed]);
  expect(of('trikd.pairs')).toEqual([0, 1]);
  expect(of('trikd.failures')).toEqual([0, 1]);
});

test('the time in which a student is judged is a span, with what became of it', () => {
  const pair = { step: 8, manifestKey: 'm' };
  const learners = {
    student: { best: params, stateSha256: 's' },
    teacher: { best: params, stateSha256: 't' },
  };
  const promoting: RunState = {
    ...training,
    phase: 'promoting',
    outcome: { steps: 8, pair, learners },
  };
  const result = { stage: 0, pair, steps: 8, learners, candidate: 'student', promoted: true };
  const next: RunState = { ...firstState, stage: 1, results: [result] };
  const { of, spans } = counted([training, promoting, promoting, next]);
  expect(spans).toEqual([['trikd.promotion', 2000, true]]);
  expect(of('trikd.promotions')).toEqual([1]);
  expect(of('trikd.stage')).toEqual([0, 1]);
});
