import { setTimeout as pause } from 'node:timers/promises';
import { createBackoff } from '@trikd/core/async/backoff';
import type { RunPhase, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { isFinal, phaseIn } from '@trikd/protocol/run-phases';
import { watch } from '@trikd/transport/grpc/clients';
import type { Asking } from './ask.js';

/** A run to follow. */
export interface Following {
  readonly runId: string;
  /** First event to receive; 0: from now on. */
  readonly fromEvent: number;
  /** Longest time without a connection, in seconds. */
  readonly patience: number;
}

/**
 * The events of a run until it ends. Reconnects after a lost connection, and when another orchestrator takes over.
 * @throws TrikdError of the kind that the server answered with, 'unavailable' when it stays unreachable; the reason of the signal
 */
export async function* follow(
  { client, how }: Asking,
  { runId, fromEvent, patience }: Following,
): AsyncGenerator<WatchRunResponse, void> {
  const backoff = createBackoff({ firstMs: 100, maxMs: 2000, random: Math.random });
  let next = fromEvent;
  let phase: RunPhase | undefined;
  while (phase === undefined || !isFinal(phase)) {
    const messages = watch<WatchRunResponse>({
      ...{ what: how.what, signal: how.signal, patienceSeconds: patience, from: next },
      open: (from) => client.watchRun({ runId, fromEvent: from, pastOnly: false }),
      // The snapshot at the start of a stream has no number and does not change where to continue.
      numberOf: ({ number }) => (number > 0 ? number : next - 1),
    });
    for await (const message of messages) {
      if (message.number > 0) {
        next = message.number + 1;
        backoff.reset();
      }
      phase = phaseIn(message.event) ?? phase;
      yield message;
    }
    if (phase === undefined || !isFinal(phase)) await pause(backoff.next(), undefined, { signal: how.signal });
  }
}
