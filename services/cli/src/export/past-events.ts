import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { fromStatus } from '@trikd/protocol/status';
import type { Asking } from '../server/ask.js';

/** After that many milliseconds without an event, all that are kept have come. */
const SILENCE = 1500;

/**
 * The events of a run that its orchestrator keeps, up to now. The stream of a run that goes on would go on with it.
 * @throws TrikdError of the kind that the server refused with
 */
export async function* pastEvents({ client, how }: Asking, runId: string): AsyncGenerator<WatchRunResponse, void> {
  const call = client.watchRun({ runId, fromEvent: 1 });
  const leave = () => call.cancel();
  how.signal.addEventListener('abort', leave, { once: true });
  let told = 0;
  let silent = false;
  const timer = setInterval(() => {
    silent = told === 0;
    told = 0;
    if (silent) leave();
  }, SILENCE);
  const now = Date.now();
  try {
    for await (const message of call) {
      told += 1;
      const { number, time }: WatchRunResponse = message;
      if (number > 0 && time && time.getTime() > now) return;
      yield message;
    }
  } catch (error) {
    how.signal.throwIfAborted();
    if (!silent) throw fromStatus(error, how.what);
  } finally {
    clearInterval(timer);
    how.signal.removeEventListener('abort', leave);
    leave();
  }
}
