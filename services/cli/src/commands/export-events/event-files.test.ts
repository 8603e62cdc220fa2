import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { afterAll, describe, expect, test } from 'vitest';
import { writeEvents } from './event-files.js';
import { storedEvents } from './stored-events.js';
import { emitted, emittedRun } from './testing/emitted-run.js';

const folder = mkdtempSync(join(tmpdir(), 'trikd-export-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('writeEvents', () => {
  test('writes events that are read again as they were, a line that was cut left out', async () => {
    const [path = ''] = await writeEvents('r', emitted(), ['jsonl'], join(folder, 'a'));
    appendFileSync(path, '{"number":"13","ev');
    const again: WatchRunResponse[] = [];
    for await (const event of storedEvents(path)) again.push(event);
    expect(again).toEqual(emittedRun.map((event) => WatchRunResponse.fromJSON(WatchRunResponse.toJSON(event))));
  });

  test('writes each value once as a table, though an attempt trained its step again', async () => {
    const [path = ''] = await writeEvents('r', emitted(), ['csv'], join(folder, 'b'));
    const rows = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(rows[0]).toBe('stage,role,step,time,what,value');
    expect(rows.filter((row) => row.includes('student') && row.includes('loss/task'))).toEqual([
      '1,student,1,2026-01-01T00:00:01.000Z,loss/task,1.5',
      '1,student,3,2026-01-01T00:00:02.000Z,loss/task,1.125',
    ]);
    expect(rows).toContain('1,student,12,2026-01-01T00:00:07.000Z,accuracy/test,0.625');
    expect(rows).toContain('1,anchor,5,2026-01-01T00:00:06.000Z,"milliseconds/forward, median",1.5');
  });

  test('writes nothing of what the events do not say', async () => {
    const none = async function* (): AsyncGenerator<WatchRunResponse> {};
    expect(await writeEvents('r', none(), ['perfetto', 'tensorboard'], join(folder, 'c'))).toEqual([]);
  });
});
