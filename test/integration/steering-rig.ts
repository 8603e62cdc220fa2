import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { unary } from '@trikd/transport/grpc/clients';
import type { ToyWorld } from './orchestrator-doubles.js';
import { heldUntilLimited, serve, specOf, trio } from './orchestrator-rig.js';

type Served = Awaited<ReturnType<typeof serve>>;

/** The methods that steer, as a client calls them. */
export function steering({ client }: Served) {
  const what = 'it';
  return {
    trigger: async (runId: string, requestId = '') =>
      (await unary(client.triggerGeneration.bind(client), { runId, requestId }, { what })).run,
    pause: async (runId: string, requestId = '') =>
      (await unary(client.pauseRun.bind(client), { runId, requestId }, { what })).run,
    resume: async (runId: string, requestId = '') =>
      (await unary(client.resumeRun.bind(client), { runId, requestId }, { what })).run,
    cancel: async (runId: string, requestId = '') =>
      (await unary(client.cancelRun.bind(client), { runId, requestId }, { what })).run,
    promote: async (runId: string, stage: number, requestId = '') =>
      (await unary(client.promoteGeneration.bind(client), { runId, stage, requestId }, { what })).run,
    remove: (runId: string, requestId = '') => unary(client.deleteRun.bind(client), { runId, requestId }, { what }),
    list: (pageSize = 0, pageToken = '', phases: RunPhase[] = []) =>
      unary(client.listRuns.bind(client), { pageSize, pageToken, phases }, { what }),
  };
}

export const LONG = { epochs: 12, checkpoint: { everyEpochs: 8 } };

/**
 * A run that is held in training of generation 1, until both trainers have a limit two steps further on.
 * @param then holds further steps
 */
export async function heldRun(store: ObjectStore, then: ToyWorld['gate'] = async () => undefined) {
  const held = heldUntilLimited(1, 5);
  const gate: ToyWorld['gate'] = async (...step) => {
    await held.gate?.(...step);
    await then?.(...step);
  };
  const models = await trio(store, { ...held, gate });
  const served = await serve(store, models);
  await served.create(specOf(LONG));
  await held.reached;
  return { ...served, ...steering(served), models };
}
