import { constants } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { hasCode } from '@trikd/process/error-code';
import { inFolder, makeFolder, type OpenFolder } from '@trikd/process/private-files';
import { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';

/** A run's events as lines of JSON, for notebooks and reports. Each orchestrator that drives the run begins with a snapshot. */
export interface EventFile {
  readonly write: (message: WatchRunResponse) => void;
  /** Resolves when everything is in the file. */
  readonly close: () => Promise<void>;
}

const NAME = 'events.jsonl';
const { O_WRONLY, O_APPEND, O_CREAT } = constants;

/**
 * Appends to `<folder>/<runId>/events.jsonl`. Below `folder` no symbolic link is followed, and what is created is for this
 * user only.
 * @param failed called once when the file cannot be written; the run does not depend on it
 */
export function eventFile(folder: string, runId: string, failed: (error: unknown) => void): EventFile {
  let written: Promise<unknown> = makeFolder(folder);
  let broken = false;
  return {
    write: (message) => {
      const line = `${lineOf(message)}\n`;
      written = written
        .then(() => (broken ? undefined : append(folder, runId, line)))
        .catch((error: unknown) => {
          if (!broken) failed(error);
          broken = true;
        });
    },
    close: async () => {
      await written;
    },
  };
}

/** Removes the events of a run that is deleted. */
export async function removeEventFile(folder: string, runId: string): Promise<void> {
  try {
    await inFolder(folder, [runId], (run) => unlink(run.at(NAME)));
  } catch (error) {
    // Behind a link is nothing of ours.
    if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
  }
}

async function append(folder: string, runId: string, line: string): Promise<void> {
  const write = async (run: OpenFolder) => {
    const file = await run.open(NAME, O_WRONLY | O_APPEND | O_CREAT);
    try {
      await file.appendFile(line);
    } finally {
      await file.close();
    }
  };
  await inFolder(folder, [runId], write, { create: true });
}

function lineOf(message: WatchRunResponse): string {
  const json: unknown = WatchRunResponse.toJSON(message);
  // The time comes first, for people who read the file.
  return JSON.stringify({ time: message.time?.toISOString(), ...(typeof json === 'object' ? json : {}) });
}
