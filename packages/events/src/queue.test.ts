import { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { describe, expect, test } from 'vitest';
import { runSentences, waitSentence } from './event-text.js';
import { ownerText, queueOf } from './queue.js';

interface Waiting {
  readonly priority?: number;
  readonly since?: number;
  readonly position?: number;
}

const queued = (runId: string, { priority = 0, since = 0, position }: Waiting = {}) =>
  Run.fromJSON({
    ...{ runId, phase: 'RUN_PHASE_QUEUED', attempt: 1 },
    placement: {
      priority,
      queueTime: new Date(Date.UTC(2026, 0, 1, 0, 0, since)).toISOString(),
      ...(position !== undefined && { waiting: { position, length: 7 } }),
    },
    conditions: [
      {
        type: 'Queued',
        status: 'CONDITION_STATUS_TRUE',
        reason: 'QuotaWait',
        message: 'position 3 of 7: all trios are taken',
      },
    ],
  });
const other = (runId: string, phase: string) => Run.fromJSON({ runId, phase: `RUN_PHASE_${phase}` });

describe('the queue', () => {
  test('has the queued runs and those with a trio, and no others', () => {
    const phases = ['PREPARING', 'TRAINING', 'PROMOTING', 'PAUSED', 'WAITING', 'COMPLETED', 'FAILED', 'CANCELLED'];
    const runs = [queued('q'), ...phases.map((phase) => other(phase.toLowerCase(), phase))];
    const { queued: waiting, placed } = queueOf(runs);
    expect(waiting.map(({ runId }) => runId)).toEqual(['q']);
    expect(placed.map(({ runId }) => runId)).toEqual(['preparing', 'training', 'promoting']);
  });

  test('is in the order of the positions that the leader gives', () => {
    const runs = [
      queued('a', { position: 11 }),
      queued('b', { position: 2, priority: -5 }),
      queued('c', { position: 3 }),
    ];
    expect(queueOf(runs).queued.map(({ runId }) => runId)).toEqual(['b', 'c', 'a']);
  });

  test('begins with the runs that are being placed', () => {
    const runs = [queued('a', { position: 1 }), queued('b', { since: 9 }), queued('c', { position: 2 })];
    expect(queueOf(runs).queued.map(({ runId }) => runId)).toEqual(['b', 'a', 'c']);
  });

  test('is by priority, then time, then name where no position is known', () => {
    const runs = [queued('late', { since: 9 }), queued('b'), queued('high', { priority: 3, since: 20 }), queued('a')];
    expect(queueOf(runs).queued.map(({ runId }) => runId)).toEqual(['high', 'a', 'b', 'late']);
  });
});

test('an owner is a subject, with its team', () => {
  expect([undefined, { subject: 'ada', team: '' }, { subject: 'ada', team: 'vision' }].map(ownerText)).toEqual([
    '',
    'ada',
    'ada (vision)',
  ]);
});

test('a queued run says its position and why it waits; another run waits for no trio', () => {
  const run = queued('q', { position: 3 });
  expect(waitSentence(run)).toBe('position 3 of 7: all trios are taken');
  expect(waitSentence(other('t', 'TRAINING'))).toBeUndefined();
  expect(runSentences(run)).toEqual(['run q is queued: stage 0, attempt 1', 'position 3 of 7: all trios are taken']);
});
