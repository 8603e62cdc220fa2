import { setTimeout as pause } from 'node:timers/promises';
import { createBackoff } from '@trikd/core/async/backoff';
import type { Run, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { isFinal } from '@trikd/protocol/run-phases';
import { watch } from '@trikd/transport/grpc/clients';
import type { Asking } from './ask.js';

/** What is followed, and from where. */
export interface Following {
  readonly runId: string;
  /** First event wanted; 0: from now on. */
  readonly fromEvent: number;
  /** Longest time without a connection, in seconds. */
  readonly patience: number;
}

/**
 * The events of a run until it ends: over lost connections, and over orchestrators that drain while another one takes their place.
 * @throws TrikdError of the kind that the server refused with, 'unavailable' when it stays away; the reason of the signal
 */
export async function* follow(
  { client, how }: Asking,
  { runId, fromEvent, patience }: Following,
): AsyncGenerator<WatchRunResponse, void> {
  const backoff = createBackoff({ firstMs: 100, maxMs: 2000, random: Math.random });
  let next = fromEvent;
  let last: Run | undefined;
  while (!last || !isFinal(last.phase)) {
    const messages = watch<WatchRunResponse>({
      ...{ what: how.what, signal: how.signal, patienceSeconds: patience, from: next },
      open: (from) => client.watchRun({ runId, fromEvent: from }),
      // What the stream says of itself has no number, and changes nothing of where it is to go on.
      numberOf: ({ number }) => (number > 0 ? number : next - 1),
    });
    for await (const message of messages) {
      if (message.number > 0) {
        next = message.number + 1;
        backoff.reset();
      }
      if (message.event?.$case === 'run') last = message.event.value;
      yield message;
    }
    if (!last || !isFinal(last.phase)) await pause(backoff.next(), undefined, { signal: how.signal });
  }
}
