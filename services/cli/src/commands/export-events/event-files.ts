import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { SlowStep } from '@trikd/protocol/gen/node/trikd/v1/timing';
import { csvFile, tensorboardFiles } from './curve-files.js';
import { scalarReader } from './scalars.js';
import { slowest, traceOf } from './trace.js';

/** Formats of exported events. */
export const FORMATS = ['jsonl', 'tensorboard', 'csv', 'perfetto'] as const;
export type EventFormat = (typeof FORMATS)[number];

/** Files of one format. */
interface EventSink {
  readonly add: (event: WatchRunResponse) => Promise<void>;
  /** Returns the path, or undefined when no event had anything for this format. */
  readonly close: () => Promise<string | undefined>;
}

/** Number of steps in a trace. */
const SLOWEST = 5;

/** Writes events into a folder. Returns the paths in the order of the formats. */
export async function writeEvents(
  runId: string,
  events: AsyncIterable<WatchRunResponse>,
  formats: readonly EventFormat[],
  folder: string,
  counted: (events: number) => void = () => undefined,
): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const sinks = await Promise.all(formats.map((format) => SINKS[format](folder, runId)));
  let count = 0;
  for await (const event of events) {
    for (const sink of sinks) await sink.add(event);
    counted(++count);
  }
  const written = await Promise.all(sinks.map((sink) => sink.close()));
  return written.filter((path) => path !== undefined);
}

const SINKS: Readonly<Record<EventFormat, (folder: string, runId: string) => Promise<EventSink>>> = {
  jsonl: async (folder) => {
    const path = join(folder, 'events.jsonl');
    const file = await open(path, 'w');
    return {
      add: async (event) => {
        await file.write(`${JSON.stringify(WatchRunResponse.toJSON(event))}\n`);
      },
      close: async () => {
        await file.close();
        return path;
      },
    };
  },
  tensorboard: async (folder) => {
    const path = join(folder, 'tensorboard');
    const files = tensorboardFiles(path);
    const scalarsOf = scalarReader();
    let any = false;
    return {
      add: async (event) => {
        const scalars = scalarsOf(event);
        any ||= scalars.length > 0;
        await files.add(scalars);
      },
      close: async () => {
        await files.close();
        return any ? path : undefined;
      },
    };
  },
  csv: async (folder) => {
    const path = join(folder, 'scalars.csv');
    const file = await csvFile(path);
    const scalarsOf = scalarReader();
    return {
      add: (event) => file.add(scalarsOf(event)),
      close: async () => {
        await file.close();
        return path;
      },
    };
  },
  perfetto: async (folder, runId) => {
    const steps: SlowStep[] = [];
    return {
      add: async ({ event }) => {
        if (event?.$case === 'slowStep') steps.push(event.value);
      },
      close: async () => {
        if (steps.length === 0) return undefined;
        const path = join(folder, 'trace.json');
        await writeFile(path, JSON.stringify(traceOf(runId, slowest(steps, SLOWEST))));
        return path;
      },
    };
  },
};
