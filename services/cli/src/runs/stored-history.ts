import type { ObjectStore } from '@trikd/core/domain/object-store';
import { eventsFolder } from '@trikd/core/run/delete-run';
import { eventsIn } from '@trikd/events/event';
import { emptyHistory, foldAll, type RunHistory } from '@trikd/events/run-history';

/** The events of a run that its orchestrator has left in the store, folded. */
export async function storedHistory(store: ObjectStore, runId: string): Promise<RunHistory> {
  let history = emptyHistory;
  for (const key of await store.list(eventsFolder(runId))) {
    const page = await store.get(key);
    if (page) history = foldAll(eventsIn(Buffer.from(page.bytes).toString()), history);
  }
  return history;
}
