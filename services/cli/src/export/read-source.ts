import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { runFolder } from '../run-folder.js';
import { withServer } from '../server/ask.js';
import { orComplaint } from '../server/complaint.js';
import type { Shell } from '../shell.js';
import type { EventSource } from './event-source.js';
import { pastEvents } from './past-events.js';
import { storedEvents } from './stored-events.js';

/** Does something with the events of a run. Complains, and tells the exit status, when there are none to be had. */
export async function readSource(
  from: EventSource,
  shell: Shell,
  finish: (status: number) => void,
  work: (events: AsyncIterable<WatchRunResponse>) => Promise<void>,
): Promise<void> {
  const { runId, store } = from;
  await orComplaint(shell, finish, { runId, offline: store !== undefined }, async () => {
    if (store !== undefined) await work(storedEvents(runFolder(store, runId).events));
    else await withServer(from, shell.rest, (asking) => work(pastEvents(asking, runId)));
  });
}
