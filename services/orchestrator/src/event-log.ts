import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { WatchRunResponse } from '@trikd/platform/gen/trikd/v1/run';
import { fromNews } from './messages.js';
import type { RunNews } from './ports.js';

/** A run's events as lines of JSON, for notebooks and for the question what happened. */
export interface EventLog {
  readonly write: (news: RunNews) => void;
  /** Resolves when everything is in the file. */
  readonly close: () => Promise<void>;
}

/**
 * Appends to `<folder>/<runId>/events.jsonl`. The spec is in the store and is left out of the lines.
 * @param failed told once when the file cannot be written; the run does not depend on it
 */
export function eventLog(folder: string, runId: string, now: () => Date, failed: (error: unknown) => void): EventLog {
  const path = join(folder, runId, 'events.jsonl');
  let written: Promise<unknown> = mkdir(join(folder, runId), { recursive: true });
  let broken = false;
  return {
    write: (news) => {
      const line = `${JSON.stringify({ time: now().toISOString(), ...lineOf(news) })}\n`;
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

function lineOf(news: RunNews): object {
  const message = fromNews(news);
  const { event } = message;
  const slim =
    event?.$case === 'run' ? { ...message, event: { ...event, value: { ...event.value, spec: '' } } } : message;
  const json: unknown = WatchRunResponse.toJSON(slim);
  return typeof json === 'object' && json !== null ? json : {};
}
