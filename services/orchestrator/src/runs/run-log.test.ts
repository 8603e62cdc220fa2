import { TrikdError } from '@trikd/core/domain/errors';
import { placementOfNew } from '@trikd/core/run/placement';
import { firstState, type RunState } from '@trikd/core/run/state';
import type { SavedRun } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { traceIdOf } from '@trikd/core/timing/trace-ids';
import { expect, test } from 'vitest';
import { createRunLog, traceSeedOf } from './run-log.js';

const role = { model: { kind: 'plain-cnn', channels: [4] }, objective: [{ kind: 'task' }] };
const spec = RunSpec.parse({ name: 'trial', data: { kind: 'synthetic' }, epochs: 2, student: role, teacher: role });
const run = { spec, state: { ...firstState, attempt: 2 }, times: { changed: {}, created: '2026-01-02T03:04:05.000Z' } };
const place = { runId: 'trial', stage: 0, attempt: 2 };

function logOf() {
  const lines: unknown[] = [];
  return { lines, log: createRunLog({ info: (fields: unknown, message?: string) => lines.push([message, fields]) }) };
}

test('a stall has a line when it begins and one when it ends, and none when its reason changes', () => {
  const { lines, log } = logOf();
  const [one, other] = [
    { by: 'orchestrator', on: 'student', reason: 'no route' } as const,
    { by: 'teacher', on: 'store', reason: 'refused' } as const,
  ];
  log.stalls(run, [], [one]);
  log.stalls(run, [one], [{ ...one, reason: 'timeout' }, other]);
  log.stalls(run, [one, other], [other]);
  expect(lines).toEqual([
    ['stall began', { ...place, ...one }],
    ['stall began', { ...place, ...other }],
    ['stall ended', { ...place, by: 'orchestrator', on: 'student' }],
  ]);
});

test('an alarm has the trace of its step where the step is traced', () => {
  const { lines, log } = logOf();
  const alarm = { kind: 'alarm', participant: 'student', stage: 0, message: 'all logits are alike' } as const;
  for (const step of [100, 101]) log.alarm(run, { ...alarm, step }, 100);
  const fields = { ...place, participant: 'student', alarm: 'all logits are alike' };
  const trace_id = traceIdOf(traceSeedOf(run), { ...place, step: 100 });
  expect(lines).toEqual([
    ['alarm raised', { ...fields, step: 100, trace_id }],
    ['alarm raised', { ...fields, step: 101 }],
  ]);
});

test('a lost attempt has the kind and the sentence of its error', () => {
  const { lines, log } = logOf();
  log.attemptLost(run, new TrikdError('diverged', 'loss is NaN'));
  log.attemptLost(run, new TypeError('x is undefined'));
  expect(lines).toEqual([
    ['attempt lost', { ...place, kind: 'diverged', reason: 'loss is NaN' }],
    ['attempt lost', { ...place, kind: 'internal', reason: 'x is undefined' }],
  ]);
});

test('a run that loses its trio has one line with the reason, and one with the trio that it gets next', () => {
  const { lines, log } = logOf();
  const saved = (state: RunState, number: number, trio?: string): SavedRun => ({
    ...{ spec, version: 'v', state, revision: 1, term: 3, requests: [], times: run.times },
    placement: { ...placementOfNew(), number, ...(trio !== undefined && { trio }) },
  });
  const preparing: RunState = { ...firstState, phase: 'preparing' };
  const displaced = { why: 'trio-draining', message: 'the teacher of trio one is shutting down' } as const;
  const queued: RunState = { ...firstState, attempt: 2, displaced };
  const next: RunState = { ...preparing, attempt: 2 };
  const life = [
    saved(preparing, 1, 'one'),
    saved(queued, 1),
    saved(queued, 2),
    saved(next, 2, 'two'),
    saved(next, 2, 'two'),
  ];
  for (const [index, after] of life.slice(1).entries()) log.saved(life[index]!, after);
  expect(lines).toEqual([
    ['phase changed', { ...place, phase: 'queued', step: 0, term: 3, kind: displaced.why, reason: displaced.message }],
    ['phase changed', { ...place, phase: 'preparing', step: 0, term: 3, trio: 'two' }],
  ]);
});
