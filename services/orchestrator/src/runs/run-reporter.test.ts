import { createRun, saveRun } from '@trikd/core/run/run-store';
import { firstState } from '@trikd/core/run/state';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { createRunIndex } from '../leadership/run-index.js';
import { createRunLog } from './run-log.js';
import { createRunRecords } from './run-records.js';
import { createRunReporter } from './run-reporter.js';

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
