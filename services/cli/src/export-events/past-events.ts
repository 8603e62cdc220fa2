import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { fromStatus } from '@trikd/protocol/status';
import { unary } from '@trikd/transport/grpc/clients';
import type { Asking } from '../server/ask.js';

/** Milliseconds without an event after which all stored events have arrived. */
const SILENCE = 1500;

/**
 * The events of a run that its orchestrator has stored up to now. The stream of a run that is not over does not end by itself.
 * @throws TrikdError of the kind that the server answered with
 */
export async function* pastEvents({ client, how }: Asking, runId: string): AsyncGenerator<WatchRunResponse, void> {
  // A stream would wait for a server that does not answer.
  await unary(client.getRun.bind(client), { runId }, how);
  const call = client.watchRun({ runId, fromEvent: 1 });
  const leave = () => call.cancel();
  how.signal.addEventListener('abort', leave, { once: true });
  let received = 0;
  let silent = false;
  const timer = setInterval(() => {
    silent = received === 0;
    received = 0;
    if (silent) leave();
  }, SILENCE);
  const now = Date.now();
  try {
    for await (const message of call) {
      received += 1;
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
