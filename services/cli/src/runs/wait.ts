import { setTimeout as pause } from 'node:timers/promises';
import { TrikdError } from '@trikd/core/domain/errors';
import { runInPhase } from '@trikd/events/sentences';
import { type Run, type RunPhase, runPhaseToJSON } from '@trikd/protocol/gen/node/trikd/v1/run';
import { isFinal } from '@trikd/protocol/run-phases';
import { unary } from '@trikd/transport/grpc/clients';
import type { Asking } from '../server/ask.js';

/** What to wait for. */
export interface Awaited {
  readonly runId: string;
  readonly phases: readonly RunPhase[];
  /** Seconds. */
  readonly timeout: number;
}

/** Between two requests, in milliseconds. */
const INTERVAL = 300;
/** Time limit of one request, in seconds. */
const PATIENCE = 5;

/**
 * Returns the run as soon as it is in one of the phases. The orchestrator and the run may start later.
 * @throws TrikdError 'wrong-state' when the run ended in another phase, 'unavailable' when the time limit passed
 */
export async function awaitPhase({ client, how }: Asking, { runId, phases, timeout }: Awaited): Promise<Run> {
  const until = performance.now() + 1000 * timeout;
  for (;;) {
    const answer = await readRun(() =>
      unary(client.getRun.bind(client), { runId }, { ...how, deadlineSeconds: PATIENCE }),
    );
    if ('run' in answer && phases.includes(answer.run.phase)) return answer.run;
    const state = 'run' in answer ? runInPhase(runId, runPhaseToJSON(answer.run.phase)) : answer.why;
    if ('run' in answer && isFinal(answer.run.phase)) throw new TrikdError('wrong-state', state);
    if (performance.now() >= until) throw new TrikdError('unavailable', `${state} after ${timeout} s`);
    await pause(INTERVAL, undefined, { signal: how.signal });
  }
}

async function readRun(
  request: () => Promise<{ readonly run: Run | undefined }>,
): Promise<{ readonly run: Run } | { readonly why: string }> {
  try {
    const { run } = await request();
    return run ? { run } : { why: 'there is no such run' };
  } catch (error) {
    if (error instanceof TrikdError && ['unavailable', 'not-found'].includes(error.kind)) return { why: error.message };
    throw error;
  }
}
