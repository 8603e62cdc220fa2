import { createRun, saveRun } from '@trikd/core/run/run-store';
import { firstState } from '@trikd/core/run/state';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import type { DutyNews } from './ports.js';
import { createRunLog } from './run-log.js';
import { createRunRecords } from './run-records.js';
import { createRunReporter } from './run-reporter.js';

const now = () => '2026-01-02T03:04:05.000Z';
const stalled: DutyNews = { kind: 'stalled', by: 'orchestrator', on: 'student', reason: 'no route' };

async function reporter() {
  const store = memoryStore();
  const run = await createRun(store, specFor('tiny'));
  const [lines, published]: [string[], string[]] = [[], []];
  const log = createRunLog({ info: (_fields: unknown, message?: string) => lines.push(message ?? '') });
  const records = createRunRecords(log, () => new Date(now()));
  const ports = { records, log, publish: ({ kind }: { readonly kind: string }) => void published.push(kind) };
  return { store, run, lines, published, reporter: createRunReporter(run, ports, 0, now) };
}

test('a new attempt ends what stalled the one before', async () => {
  const { store, run, lines, reporter: reports } = await reporter();
  reports.report(stalled);
  expect(reports.view().live?.stalls).toHaveLength(1);
  reports.saved(await saveRun(store, run, { state: { ...firstState, attempt: 2 } }));
  expect(reports.view().live?.stalls).toEqual([]);
  expect(lines).toEqual(['stall began', 'phase changed', 'stall ended']);
});

test('a closed reporter publishes nothing more, and its stalls have ended', async () => {
  const { lines, published, reporter: reports } = await reporter();
  reports.report(stalled);
  reports.close();
  reports.report({ ...stalled, on: 'teacher' });
  expect(published).toEqual(['run', 'run']);
  expect(lines).toEqual(['stall began', 'stall ended']);
});
