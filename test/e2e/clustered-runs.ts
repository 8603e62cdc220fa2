import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRun } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import {
  type PhaseChanged,
  type Run,
  RunServiceClient,
  type WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { openFolderStore } from '@trikd/store/folder-store';
import { startCluster } from '@trikd/testing/processes/cluster';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { contentOf, type Result } from './outcome.js';
import { scratch } from './trikd.js';

/** Long-lived services over a folder as their store, and the runs that a client gives them. */
export async function startRuns(folder: string) {
  const path = join(folder, 'store');
  const cluster = await startCluster({ folder, store: { kind: 'folder', path }, orchestrators: 1 });
  const client = openClient(RunServiceClient, cluster.orchestrators[0]!.address);
  const runs = {
    path,
    cluster,
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
    /** What is stored of a run, as `trikd run` reports it. */
    async result(spec: WrittenSpec): Promise<Result> {
      const { state } = await loadRun(await openFolderStore(path), spec.name);
      return { phase: state.phase, stages: contentOf(state.results) };
    },
    /** Trains a run to its end. */
    async train(spec: WrittenSpec): Promise<Result> {
      await runs.create(spec);
      await runs.until(spec, ended);
      return runs.result(spec);
    },
    async stop(): Promise<void> {
      client.close();
      await cluster.stop();
    },
  };
  return runs;
}

/** The same until the test has finished, in a folder of its own. */
export async function clusteredRuns() {
  const runs = await startRuns(scratch());
  onTestFinished(() => runs.stop());
  return runs;
}

/** The same for all tests of a file. */
export function sharedRuns(): () => Awaited<ReturnType<typeof startRuns>> {
  let folder: string;
  let runs: Awaited<ReturnType<typeof startRuns>>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'trikd-e2e-'));
    runs = await startRuns(folder);
  });
  afterAll(async () => {
    await runs?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return () => runs;
}

/** Matches a message that carries the state of its run. */
export const stands =
  (fits: (run: Run | PhaseChanged) => boolean) =>
  ({ event }: WatchRunResponse): boolean =>
    (event?.$case === 'run' || event?.$case === 'phaseChanged') && fits(event.value);

export const ended = stands(({ endTime }) => endTime !== undefined);
