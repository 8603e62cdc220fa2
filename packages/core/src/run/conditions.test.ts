import { specFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { conditionsOf } from './conditions.js';
import { placementOfNew } from './placement.js';
import { timesOfNew } from './run-times.js';
import type { LiveView, RunView } from './run-view.js';
import { firstState, type RunState } from './state.js';

const spec = specFor('bare');
const created = '2026-01-02T03:04:05.000Z';
const facts = { datasetDigest: 'a'.repeat(64), classes: 4, totalSteps: 4, stepsPerEpoch: 1 };
const live: LiveView = { stalls: [], progress: {}, evaluations: {} };
const viewOf = (state: RunState, change: Partial<RunView> = {}): RunView => ({
  ...{ spec, state, times: timesOfNew(created), placement: placementOfNew() },
  ...change,
});
const holding = (view: RunView) =>
  conditionsOf(view).flatMap(({ type, holds, reason }) => (holds === false ? [] : [[type, holds, reason]]));

test.each<[RunState, string, string]>([
  [firstState, 'Queued', 'WaitingForTrio'],
  [{ ...firstState, phase: 'training', facts }, 'Training', 'TrainersLearn'],
  [{ ...firstState, phase: 'waiting' }, 'Waiting', 'AwaitsTrigger'],
  [{ ...firstState, phase: 'paused' }, 'Paused', 'PausedOnRequest'],
  [{ ...firstState, phase: 'cancelled' }, 'Cancelled', 'CancelledOnRequest'],
  [{ ...firstState, phase: 'failed', kind: 'out-of-step', reason: 'two lead' }, 'Failed', 'OutOfStep'],
  [{ phase: 'completed', generation: 0, attempt: 1, results: [], moves: [], facts }, 'Completed', 'NoFurtherGain'],
])('of a run that is $phase one condition holds, and the others say why they do not', (state, type, reason) => {
  const view = viewOf(state, { live });
  expect(holding(view)).toEqual([[type, true, reason]]);
  expect(conditionsOf(view)).toHaveLength(8);
  for (const { message, ...each } of conditionsOf(view)) {
    expect(message).not.toBe('');
    expect(each.reason).toMatch(/^[A-Z][A-Za-z]+$/);
    if (each.type !== 'Stalled') expect(each.since).toBe(created);
  }
});

test('a stalled run names what it waits for; of a run that another orchestrator drives it is unknown', () => {
  const training: RunState = { ...firstState, phase: 'training', facts };
  const stalls = [{ by: 'orchestrator' as const, on: 'store' as const, reason: 'ECONNREFUSED' }];
  expect(conditionsOf(viewOf(training, { live: { ...live, stalls, stalledAt: created } }))).toContainEqual({
    ...{ type: 'Stalled', holds: true, reason: 'StoreAway', since: created },
    message: 'the orchestrator waits for the store: ECONNREFUSED',
  });
  expect(holding(viewOf(training))).toContainEqual(['Stalled', 'unknown', 'NotDrivenHere']);
});

test('a queued run says where it stands in the queue, and why it lost its trio', () => {
  const queued = {
    ...{ position: 2, length: 5, reason: 'QuotaWait' as const },
    message: 'position 2 of 5: team vision has 3 of its 3 runs placed',
  };
  expect(conditionsOf(viewOf(firstState, { queued }))).toContainEqual({
    ...{ type: 'Queued', holds: true, reason: 'QuotaWait', since: created },
    message: 'position 2 of 5: team vision has 3 of its 3 runs placed',
  });
  const displaced = { why: 'trio-draining' as const, message: 'trio trio-1 is draining' };
  expect(conditionsOf(viewOf({ ...firstState, displaced }, { queued }))).toContainEqual({
    ...{ type: 'Queued', holds: true, reason: 'TrioDraining', since: created },
    message: 'trio trio-1 is draining; position 2 of 5: team vision has 3 of its 3 runs placed',
  });
});

test('a run that is being placed says what its trio waits for, whatever it lost the one before for', () => {
  const queued = { reason: 'ImagePull' as const, message: 'the teacher of trio t cannot pull image x' };
  const displaced = { why: 'preempted' as const, message: 'the trio was preempted' };
  expect(conditionsOf(viewOf({ ...firstState, displaced }, { queued }))).toContainEqual({
    ...{ type: 'Queued', holds: true, reason: 'ImagePull', since: created },
    message: 'the trio was preempted; the teacher of trio t cannot pull image x',
  });
});

test('a run that has a trio and is not driven yet is stalled by what its trio waits for', () => {
  const training: RunState = { ...firstState, phase: 'training', facts };
  const queued = { reason: 'Unschedulable' as const, message: 'the teacher of trio t cannot be scheduled' };
  expect(conditionsOf(viewOf(training, { queued }))).toContainEqual({
    ...{ type: 'Stalled', holds: true, reason: 'Unschedulable', message: 'the teacher of trio t cannot be scheduled' },
  });
});
