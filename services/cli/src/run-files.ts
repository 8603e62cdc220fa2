import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { tensorboardFiles } from './export-events/curve-files.js';
import { scalarsOf } from './export-events/scalars.js';
import { storedEvents } from './export-events/stored-events.js';
import { canReport, writeReport } from './html-report/write-report.js';
import type { RunFolder } from './run-folder.js';

/** What `trikd run` leaves beside the events of a run: curves for TensorBoard while it goes on, a page of HTML when it has ended. */
export interface RunFiles {
  readonly add: (message: WatchRunResponse) => Promise<void>;
  /** Called when the services have ended, so that all events are in their file. */
  readonly close: (spec: RunSpec) => Promise<void>;
}

/**
 * Begins with what the events of a former start say, so that a run that is continued has each value once.
 * @param failed told once when a file cannot be written; the run does not depend on it
 */
export async function runFiles(
  folder: RunFolder,
  now: () => Date,
  failed: (reason: string) => void,
): Promise<RunFiles> {
  const files = tensorboardFiles(folder.tensorboard);
  const broken = new Set<string>();
  const unlessBroken = async (path: string, work: () => Promise<void>) => {
    if (broken.has(path)) return;
    await work().catch((error: unknown) => {
      broken.add(path);
      failed(`${path}: ${error instanceof Error ? error.message : error}`);
    });
  };
  const { tensorboard, events, report } = folder;
  await unlessBroken(tensorboard, async () => {
    await rm(tensorboard, { recursive: true, force: true });
    if (!existsSync(events)) return;
    for await (const event of storedEvents(events)) await files.add(scalarsOf(event));
  });
  // A service that is killed ends the run while messages of before are still on their way: they come too late for the files.
  let closed = false;
  let added: Promise<void> = Promise.resolve();
  return {
    add: (message) => {
      if (closed) return added;
      const scalars = scalarsOf({ ...message, time: message.time ?? now() });
      added = added.then(() => unlessBroken(tensorboard, () => files.add(scalars)));
      return added;
    },
    close: async (spec) => {
      closed = true;
      await added;
      await unlessBroken(tensorboard, () => files.close());
      if (existsSync(events) && canReport()) {
        await unlessBroken(report, () => writeReport(storedEvents(events), JSON.stringify(spec), report));
      }
    },
  };
}
