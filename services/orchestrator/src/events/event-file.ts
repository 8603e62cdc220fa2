import { appendFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';

/** A run's events as lines of JSON, for notebooks and reports. Each orchestrator that drives the run begins with a snapshot. */
export interface EventFile {
  readonly write: (message: WatchRunResponse) => void;
  /** Resolves when everything is in the file. */
  readonly close: () => Promise<void>;
}

/**
 * Appends to `<folder>/<runId>/events.jsonl`.
 * @param failed called once when the file cannot be written; the run does not depend on it
 */
export function eventFile(folder: string, runId: string, failed: (error: unknown) => void): EventFile {
  const path = join(folder, runId, 'events.jsonl');
  let written: Promise<unknown> = mkdir(join(folder, runId), { recursive: true });
  let broken = false;
  return {
    write: (message) => {
      const line = `${lineOf(message)}\n`;
      written = written
        .then(() => (broken ? undefined : appendFile(path, line)))
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
  await rm(join(folder, runId, 'events.jsonl'), { force: true });
}

function lineOf(message: WatchRunResponse): string {
  const json: unknown = WatchRunResponse.toJSON(message);
  // The time comes first, for people who read the file.
  return JSON.stringify({ time: message.time?.toISOString(), ...(typeof json === 'object' ? json : {}) });
}
