import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { WatchRunResponse } from '@trikd/platform/gen/trikd/v1/run';
import type { SlowStep } from '@trikd/platform/gen/trikd/v1/timing';
import { withProgress } from '../progress.js';
import { runFolder } from '../run-folder.js';
import { withServer } from '../server/ask.js';
import { orComplaint } from '../server/complaint.js';
import { print, type Shell, say } from '../shell.js';
import type { EventSource, ExportActions } from './command.js';
import { writeEvents } from './event-files.js';
import { pastEvents } from './past-events.js';
import { storedEvents } from './stored-events.js';
import { slowest, traceOf } from './trace.js';

/** They print what they have written, and tell the exit status. */
export function exportActions(shell: Shell, finish: (status: number) => void): ExportActions {
  const read = async (from: EventSource, work: (events: AsyncIterable<WatchRunResponse>) => Promise<void>) => {
    const { runId, store } = from;
    await orComplaint(shell, finish, { runId, offline: store !== undefined }, async () => {
      if (store !== undefined) await work(storedEvents(runFolder(store, runId).events));
      else await withServer(from, shell.rest, (asking) => work(pastEvents(asking, runId)));
    });
  };
  return {
    export: ({ from, formats, out }) =>
      read(from, async (events) => {
        const written = await withProgress(shell, (tell) =>
          writeEvents(from.runId, events, formats, out, (count) =>
            count % 100 === 0 ? tell(`${count} events`) : undefined,
          ),
        );
        for (const path of written) print(shell, path);
      }),
    trace: ({ from, slowest: count, out }) =>
      read(from, async (events) => {
        const steps: SlowStep[] = [];
        for await (const { event } of events) if (event?.$case === 'slowStep') steps.push(event.value);
        if (steps.length === 0) {
          say(shell, `no step of run ${from.runId} took much longer than its neighbours`);
          return finish(1);
        }
        await mkdir(dirname(out), { recursive: true });
        await writeFile(out, JSON.stringify(traceOf(from.runId, slowest(steps, count))));
        print(shell, out);
      }),
  };
}
