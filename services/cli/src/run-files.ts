import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { messageOf } from '@trikd/core/domain/message-of';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { tensorboardFiles } from './export-events/curve-files.js';
import { scalarReader } from './export-events/scalars.js';
import { storedEvents } from './export-events/stored-events.js';
import { canReport, writeReport } from './html-report/write-report.js';
import type { RunFolder } from './run-folder.js';

/** Files that `trikd run` writes from events: curves for TensorBoard during the run, and the report at its end. */
export interface RunFiles {
  readonly add: (message: WatchRunResponse) => Promise<void>;
  /** Writes the report. All services must have ended, so that the file of events is complete. */
  readonly close: (spec: RunSpec) => Promise<void>;
}

/**
 * Opens the files and fills them with the events of earlier attempts, so that a continued run has each value once.
 * @param failed called once for each file that cannot be written; the run does not depend on them
 */
export async function runFiles(
  folder: RunFolder,
  now: () => Date,
  failed: (reason: string) => void,
): Promise<RunFiles> {
  const files = tensorboardFiles(folder.tensorboard);
  const scalarsOf = scalarReader();
  const broken = new Set<string>();
  const unlessBroken = async (path: string, work: () => Promise<void>) => {
    if (broken.has(path)) return;
    await work().catch((error: unknown) => {
      broken.add(path);
      failed(`${path}: ${messageOf(error)}`);
    });
  };
  const { tensorboard, events, report } = folder;
  await unlessBroken(tensorboard, async () => {
    await rm(tensorboard, { recursive: true, force: true });
    if (!existsSync(events)) return;
    for await (const event of storedEvents(events)) await files.add(scalarsOf(event));
  });
  // When a service is killed, earlier messages may arrive after the run has ended: too late for the files.
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
