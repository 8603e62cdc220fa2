import { join } from 'node:path';
import { RunSpec } from '@trikd/core/spec/run-spec';
import {
  type PhaseChanged,
  type Run,
  RunServiceClient,
  type WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { startCluster } from '@trikd/testing/processes/cluster';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { onTestFinished } from 'vitest';
import { scratch } from './trikd.js';

/** Long-lived services over a folder as their store, until the test has finished. */
export async function clusteredRuns() {
  const folder = scratch();
  const path = join(folder, 'store');
  const cluster = await startCluster({ folder, store: { kind: 'folder', path }, orchestrators: 1 });
  onTestFinished(() => cluster.stop());
  const client = openClient(RunServiceClient, cluster.orchestrators[0]!.address);
  onTestFinished(() => client.close());
  return {
    path,
    client,
    async create(spec: WrittenSpec): Promise<void> {
      const request = {
        spec: JSON.stringify(RunSpec.parse(spec)),
        requestId: spec.name,
        takeOver: true,
        placement: undefined,
        team: '',
      };
      await unary(client.createRun.bind(client), request, { what: 'the orchestrator', deadlineSeconds: 60 });
    },
    /** Watches a run from now on, up to the first matching message. */
    async until(spec: WrittenSpec, fits: (message: WatchRunResponse) => boolean): Promise<void> {
      const call = client.watchRun({ runId: spec.name, fromEvent: 0, pastOnly: false });
      call.on('error', () => undefined);
      for await (const message of call) if (fits(message)) break;
      call.cancel();
    },
  };
}

/** Matches a message that carries the state of its run. */
export const stands =
  (fits: (run: Run | PhaseChanged) => boolean) =>
  ({ event }: WatchRunResponse): boolean =>
    (event?.$case === 'run' || event?.$case === 'phaseChanged') && fits(event.value);

export const ended = stands(({ endTime }) => endTime !== undefined);
