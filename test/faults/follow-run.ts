import { setTimeout as delay } from 'node:timers/promises';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { TrikdError } from '@trikd/core/domain/errors';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { type Run, RunPhase, RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { phaseIn } from '@trikd/protocol/run-phases';
import { fromStatus } from '@trikd/protocol/status';
import { openClient, unary } from '@trikd/transport/grpc/clients';

/**
 * Has a run made and follows it to its end, through the deaths of the orchestrators: whichever answers is asked.
 * @param addresses of the orchestrators
 */
export async function followRun(addresses: readonly string[], spec: object): Promise<Run> {
  const clients = addresses.map((address) => openClient(RunServiceClient, address));
  const { name, ...rest } = RunSpec.parse(spec);
  const request = {
    spec: canonicalJson({ name, ...rest }),
    requestId: `create ${name}`,
    takeOver: false,
    placement: undefined,
    team: '',
  };
  try {
    for (let turn = 0; ; turn = (turn + 1) % clients.length) {
      const client = clients[turn]!;
      try {
        await unary(client.createRun.bind(client), request, { what: 'the orchestrator', deadlineSeconds: 10 });
        const run = await watchToItsEnd(client, name);
        if (run) return run;
      } catch (error) {
        if (!isPassing(error)) throw error;
      }
      await delay(50);
    }
  } finally {
    for (const client of clients) client.close();
  }
}

async function watchToItsEnd(client: RunServiceClient, runId: string): Promise<Run | undefined> {
  try {
    let phase: RunPhase | undefined;
    for await (const { event } of client.watchRun({ runId, fromEvent: 0, pastOnly: false })) {
      phase = phaseIn(event) ?? phase;
    }
    if (phase !== RunPhase.RUN_PHASE_COMPLETED && phase !== RunPhase.RUN_PHASE_FAILED) return undefined;
    return (await unary(client.getRun.bind(client), { runId }, { what: 'the orchestrator' })).run;
  } catch (error) {
    throw fromStatus(error, 'the orchestrator');
  }
}

/** Unreachable, late, or no longer the leader: another orchestrator, or the same one later, will answer. */
function isPassing(error: unknown): boolean {
  return error instanceof TrikdError && (error.kind === 'unavailable' || error.kind === 'out-of-step');
}
