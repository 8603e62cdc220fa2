import { setTimeout as pause } from 'node:timers/promises';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Run, RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { isFinal } from '@trikd/protocol/run-phases';
import { unary } from '@trikd/transport/grpc/clients';
import type { Asking } from '../server/ask.js';
import { phaseName } from '../story.js';

/** What is waited for, and how long. */
export interface Awaited {
  readonly runId: string;
  readonly phases: readonly RunPhase[];
  /** Seconds. */
  readonly timeout: number;
}

/** Between two looks, in milliseconds. */
const INTERVAL = 300;
/** For one answer, in seconds. */
const PATIENCE = 5;

/**
 * The run as soon as it is in one of the phases. An orchestrator that is not there yet, and a run that is not, are waited for too.
 * @throws TrikdError 'wrong-state' when the run has ended otherwise, 'unavailable' when the time is over
 */
export async function awaitPhase({ client, how }: Asking, { runId, phases, timeout }: Awaited): Promise<Run> {
  const until = performance.now() + 1000 * timeout;
  for (;;) {
    const look = await lookAt(() =>
      unary(client.getRun.bind(client), { runId }, { ...how, deadlineSeconds: PATIENCE }),
    );
    if ('run' in look && phases.includes(look.run.phase)) return look.run;
    const stands = 'run' in look ? `run ${runId} is ${phaseName(look.run.phase)}` : look.why;
    if ('run' in look && isFinal(look.run.phase)) throw new TrikdError('wrong-state', stands);
    if (performance.now() >= until) throw new TrikdError('unavailable', `${stands} after ${timeout} s`);
    await pause(INTERVAL, undefined, { signal: how.signal });
  }
}

async function lookAt(
  ask: () => Promise<{ readonly run: Run | undefined }>,
): Promise<{ readonly run: Run } | { readonly why: string }> {
  try {
    const { run } = await ask();
    return run ? { run } : { why: 'there is no such run' };
  } catch (error) {
    if (error instanceof TrikdError && ['unavailable', 'not-found'].includes(error.kind)) return { why: error.message };
    throw error;
  }
}
