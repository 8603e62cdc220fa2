import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { SlowStep } from '@trikd/protocol/gen/node/trikd/v1/timing';
import { print, type Shell, say, withProgress } from '../../terminal/shell.js';
import type { ExportActions } from './command.js';
import { writeEvents } from './event-files.js';
import type { EventSource } from './event-source.js';
import { readSource } from './read-source.js';
import { slowest, traceOf } from './trace.js';

/** They print the paths that they wrote and report the exit status. */
export function exportActions(shell: Shell, finish: (status: number) => void): ExportActions {
  const read = (from: EventSource, work: (events: AsyncIterable<WatchRunResponse>) => Promise<void>) =>
    readSource(from, shell, finish, work);
  return {
    export: ({ from, formats, out }) =>
      read(from, async (events) => {
        const written = await withProgress(shell, (report) =>
          writeEvents(from.runId, events, formats, out, (count) =>
            count % 100 === 0 ? report(`${count} events`) : undefined,
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
