import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type Cluster, type ClusterOptions, startCluster } from '@trikd/testing/processes/cluster';
import { specFor } from '@trikd/testing/specs/spec-for';
import type { Peer } from '@trikd/transport/grpc/channel';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import type { Target } from './attack.js';

/** The steps of the teacher that is trained, as its process counts them. */
export interface Steps {
  /** Times of the steps since then, in milliseconds. */
  readonly since: (at: number) => readonly number[];
  /** Attempts that the run has needed. */
  readonly attempts: () => number;
}

export interface AttackedCluster extends Cluster {
  readonly folder: string;
  readonly target: Target;
  readonly steps: Steps;
  readonly end: () => Promise<void>;
}

const RUN = 'victim';

/** Four services that train one run which lasts longer than any attack. */
export async function startTraining(options: Partial<ClusterOptions> = {}, peer?: Peer): Promise<AttackedCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-attacks-'));
  const times: number[] = [];
  let attempts = 0;
  let trains: (() => void) | undefined;
  const training = new Promise<void>((resolve) => {
    trains = resolve;
  });
  const cluster = await startCluster({
    ...{ folder: join(folder, 'logs'), store: { path: join(folder, 'store') }, orchestrators: 1, faults: true },
    settings: {},
    onEvent: (event) => {
      if (event.kind !== 'reported' || event.report.kind !== 'step' || event.service !== 'teacher-trainer') return;
      times.push(event.report.time);
      attempts = event.report.at.attempt;
      if (times.length === 50) trains?.();
    },
    ...options,
  });
  const end = async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  try {
    const orchestrator = cluster.orchestrators[0]?.address ?? '';
    const changes = { name: RUN, epochs: 20_000, evaluation: { everyEpochs: 4000 }, checkpoint: { everyEpochs: 1000 } };
    const client = openClient(RunServiceClient, orchestrator, peer);
    const request = {
      spec: JSON.stringify(specFor('soak', changes)),
      requestId: '',
      takeOver: false,
      team: '',
      placement: undefined,
    };
    await unary(client.createRun.bind(client), request, { what: 'the orchestrator', deadlineSeconds: 60 });
    client.close();
    await training;
    const dashboard = /"url":"([^"]+)"/.exec(readFileSync(cluster.orchestrators[0]?.log ?? '', 'utf8'))?.[1] ?? '';
    return {
      ...cluster,
      ...{ folder, end, target: { orchestrator, dashboard, runId: RUN, rate: 1 } },
      steps: { since: (at) => times.filter((time) => time >= at), attempts: () => attempts },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
