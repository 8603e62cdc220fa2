import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { committedTimes } from './committed-times.js';

test('reads when manifests were written from a log of events', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-times-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const time = '2026-01-01T12:00:00.000Z';
  const lines = [
    JSON.stringify({ time, progress: { note: 'committed' } }),
    JSON.stringify({ time, committed: { generation: 0, step: 8, manifestKey: 'a' } }),
    JSON.stringify({ time: 'yesterday', committed: { manifestKey: 'b' } }),
    '{"time":"2026-01-01T12:00:00.000Z","committed":{"manif',
  ];
  writeFileSync(join(folder, 'events.jsonl'), lines.join('\n'));
  expect(await committedTimes(join(folder, 'events.jsonl'))).toEqual(new Map([['a', time]]));
  expect(await committedTimes(join(folder, 'none.jsonl'))).toEqual(new Map());
});
