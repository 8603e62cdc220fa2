import type { RoleProgressed, Stall } from '@trikd/core/run/run-event';
import { firstState } from '@trikd/core/run/state';
import { createRun, saveRun } from '@trikd/core/run/stored/run-store';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { createRunIndex } from '../leadership/run-index.js';
import { createRunLog, createRunRecords } from './run-log.js';
import { createRunReporter, liveView } from './run-reporter.js';

const trained = (participant: string): RoleProgressed => ({
  ...{ kind: 'progress', participant, stage: 0, totalSteps: 100 },
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

const now = () => '2026-01-02T03:04:05.000Z';

async function reporter() {
  const store = memoryStore();
  const run = await createRun(store, specFor('tiny'));
  const [lines, emitted]: [string[], string[]] = [[], []];
  const log = createRunLog({ info: (_fields: unknown, message?: string) => lines.push(message ?? '') });
  const records = createRunRecords(
    log,
    () => new Date(now()),
    createRunIndex(() => undefined),
  );
  const ports = { records, log, emit: ({ kind }: { readonly kind: string }) => void emitted.push(kind) };
  return { store, run, lines, emitted, reporter: createRunReporter(run, ports, 0, now) };
}

test('a new attempt ends what stalled the one before', async () => {
  const { store, run, lines, reporter: reports } = await reporter();
  reports.waits('orchestrator', 'student', 'no route');
  expect(reports.view().live?.stalls).toHaveLength(1);
  reports.saved(await saveRun(store, run, { state: { ...firstState, attempt: 2 } }));
  expect(reports.view().live?.stalls).toEqual([]);
  expect(lines).toEqual(['stall began', 'phase changed', 'stall ended']);
});

test('a closed reporter emits nothing more, and its stalls have ended', async () => {
  const { lines, emitted, reporter: reports } = await reporter();
  reports.waits('orchestrator', 'student', 'no route');
  reports.close();
  reports.waits('orchestrator', 'teacher', 'no route');
  expect(emitted).toEqual(['phase-changed', 'stalls-changed']);
  expect(lines).toEqual(['stall began', 'stall ended']);
});
