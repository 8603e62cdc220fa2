import { existsSync } from 'node:fs';
import { TrikdError } from '@trikd/core/domain/errors';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { unary } from '@trikd/transport/grpc/clients';
import { pastEvents } from '../../export-events/past-events.js';
import { chosenRunFolder, type RunFolder } from '../../run/run-folder.js';
import { withServer } from '../../server/ask.js';
import { withErrorReport } from '../../server/error-report.js';
import { type Shell, say } from '../../terminal/shell.js';
import type { EventSource } from './event-source.js';
import { storedEvents } from './stored-events.js';

/** Works with the events of a run. @param folder of the run, when the events are read from it */
export type EventWork = (events: AsyncIterable<WatchRunResponse>, folder: RunFolder | undefined) => Promise<void>;

/** Reads the events of a run where they are. Reports an error with its exit status when there are none. */
export async function readSource(
  from: EventSource,
  shell: Shell,
  finish: (status: number) => void,
  work: EventWork,
): Promise<void> {
  const { runId } = from;
  const folder = chosenRunFolder(from.store, runId, shell.env);
  await withErrorReport(shell, finish, { runId, offline: from.place === 'folder' }, async () => {
    if (from.place === 'folder' || (await isOnlyInFolder(from, folder, shell))) {
      await work(storedEvents(folder.events), folder);
    } else {
      await withServer(from, shell, (asking) => work(pastEvents(asking, runId), undefined));
    }
  });
}

/** Whether the server does not have the run, or does not answer, while its folder is here. */
async function isOnlyInFolder(from: EventSource, { events }: RunFolder, shell: Shell): Promise<boolean> {
  if (from.place === 'server' || !existsSync(events)) return false;
  try {
    await withServer(from, shell, ({ client, how }) => unary(client.getRun.bind(client), { runId: from.runId }, how));
    return false;
  } catch (error) {
    const kind = error instanceof TrikdError ? error.kind : undefined;
    if (kind !== 'not-found' && kind !== 'unavailable') throw error;
    say(shell, `reading ${events}: TRIKD_SERVER names ${from.server}, which ${WHY[kind]}`);
    return true;
  }
}

const WHY = { 'not-found': 'does not have this run', unavailable: 'does not answer' };
