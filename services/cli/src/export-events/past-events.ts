import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { fromStatus } from '@trikd/protocol/status';
import { unary } from '@trikd/transport/grpc/clients';
import type { Asking } from '../server/ask.js';

/**
 * The events of a run that its orchestrator has stored up to now.
 * @throws TrikdError of the kind that the server answered with
 */
export async function* pastEvents({ client, how }: Asking, runId: string): AsyncGenerator<WatchRunResponse, void> {
  // A stream would wait for a server that does not answer.
  await unary(client.getRun.bind(client), { runId }, how);
  const call = client.watchRun({ runId, fromEvent: 1, pastOnly: true });
  const leave = () => call.cancel();
  how.signal.addEventListener('abort', leave, { once: true });
  try {
    yield* call;
  } catch (error) {
    how.signal.throwIfAborted();
    throw fromStatus(error, how.what);
  } finally {
    how.signal.removeEventListener('abort', leave);
    leave();
  }
}
