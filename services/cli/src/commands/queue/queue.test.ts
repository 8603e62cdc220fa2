import { queueOf } from '@trikd/events/queue';
import { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { describe, expect, test } from 'vitest';
import { plain } from '../../terminal/paint.js';
import { queueJson, queueText } from './queue.js';

const now = new Date('2026-01-01T00:03:00Z');
const run = (value: object) => Run.fromJSON(value);
const waits = run({
  ...{ runId: 'second', phase: 'RUN_PHASE_QUEUED', owner: { subject: 'ada', team: 'vision' } },
  placement: { priority: 5, queueTime: '2026-01-01T00:00:00Z', waiting: { position: 1, length: 1 } },
  conditions: [
    { type: 'Queued', status: 'CONDITION_STATUS_TRUE', reason: 'WaitingForTrio', message: 'all trios train' },
  ],
});
const trains = run({
  ...{ runId: 'first', phase: 'RUN_PHASE_TRAINING', placement: { trio: 'trio-1' } },
  progress: { stepsDone: 48, stepsTotal: 96, percent: 50.4, secondsRemaining: 61 },
});
const cellsOf = (text: string) => text.split('\n').map((line) => line.split(/[│┌┬┐]/).map((cell) => cell.trim()));

describe('the queue for people', () => {
  test('has a line for each run that waits, and for each that has a trio', () => {
    const lines = cellsOf(queueText(queueOf([trains, waits]), now, plain));
    expect(lines).toContainEqual(['', '1', 'second', 'ada (vision)', '5', '3 minutes', 'all trios train', '']);
    expect(lines).toContainEqual(['', 'trio-1', 'first', '', '0', 'training', '50 %', '1:01', '']);
  });

  test('says when nothing waits and when nothing trains', () => {
    expect(queueText(queueOf([]), now, plain)).toBe('no run waits for a trio\nno run has a trio');
  });

  test('shows no control characters of others', () => {
    const text = queueText(queueOf([{ ...waits, owner: { subject: 'a\u001b[2J', team: '' } }]), now, plain);
    expect(text).toContain('a\\u001b[2J');
  });
});

test('the queue for programs has the runs as messages', () => {
  expect(JSON.parse(JSON.stringify(queueJson(queueOf([trains, waits]))))).toMatchObject({
    queued: [{ runId: 'second', placement: { priority: 5, waiting: { position: 1 } } }],
    placed: [{ runId: 'first', placement: { trio: 'trio-1' } }],
  });
});
