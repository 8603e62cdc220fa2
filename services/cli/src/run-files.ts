import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { WatchRunResponse } from '@trikd/platform/gen/trikd/v1/run';
import { tensorboardFiles } from './export/curve-files.js';
import { scalarsOf } from './export/scalars.js';
import { storedEvents } from './export/stored-events.js';
import type { RunFolder } from './run-folder.js';

/** What `trikd run` leaves beside the events of a run while it goes on: curves for TensorBoard. */
export interface RunFiles {
  readonly add: (message: WatchRunResponse) => Promise<void>;
  readonly close: () => Promise<void>;
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
  let broken = false;
  const unlessBroken = async (work: () => Promise<void>) => {
    if (broken) return;
    await work().catch((error: unknown) => {
      broken = true;
      failed(`${folder.tensorboard}: ${error instanceof Error ? error.message : error}`);
    });
  };
  await unlessBroken(async () => {
    await rm(folder.tensorboard, { recursive: true, force: true });
    if (!existsSync(folder.events)) return;
    for await (const event of storedEvents(folder.events)) await files.add(scalarsOf(event));
  });
  return {
    add: (message) => unlessBroken(() => files.add(scalarsOf({ ...message, time: message.time ?? now() }))),
    close: () => unlessBroken(() => files.close()),
  };
}
