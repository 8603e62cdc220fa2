import type { Role } from '@trikd/core/domain/position';
import type { AnchorHolder } from '@trikd/model-host/anchor/anchor-holder';
import { type JobSetPlacement, jobSetPlacement } from '../../services/orchestrator/src/placement/jobset/jobset.js';
import type { KubernetesApi } from '../../services/orchestrator/src/placement/jobset/kubernetes-api.js';
import { claimIn } from '../../services/orchestrator/src/placement/jobset/objects.js';
import {
  type FakeCluster,
  fakeCluster,
} from '../../services/orchestrator/src/placement/jobset/testing/fake-cluster.js';
import { template } from '../../services/orchestrator/src/placement/jobset/testing/template.js';
import { JOBSET_OF_POD } from '../../services/orchestrator/src/placement/jobset/trios.js';
import type { Host, Life } from './host.js';
import type { Network } from './network.js';
import type { Scene } from './scene.js';
import type { TrainerProcess } from './trio.js';
import type { World } from './world.js';

/** A cluster in the simulated world: its API server is a process, and each pod is one. */
export interface SimulatedCluster {
  readonly cluster: FakeCluster;
  /** The processes of each JobSet that has any. */
  trios(): readonly (readonly Host<unknown>[])[];
  /** What is left of JobSets. */
  leftOver(): readonly string[];
}

export interface SimulatedClusterParts {
  readonly world: World;
  readonly network: Network;
  readonly scene: Scene;
  /** Makes the process of a pod, which is not started yet. It cannot be started again when its pod is gone. */
  pod(role: Role, address: string, isThere: () => boolean): Host<TrainerProcess | AnchorHolder>;
  /** The process of a pod is gone. */
  gone(host: Host<unknown>): void;
  broken(sentence: string): void;
}

const INSTANCE = 'simulated';
/** Milliseconds in which one of two JobSets of a run has to go. */
const DOUBLED = 300_000;

export function simulatedCluster({
  world,
  network,
  scene,
  pod,
  gone,
  broken,
}: SimulatedClusterParts): SimulatedCluster {
  const hosts = new Map<string, Host<unknown>>();
  const cluster = fakeCluster({
    after: (ms, happen) => world.after(ms, 'cluster', happen),
    now: world.now,
    random: () => world.chance.next(),
    quota: scene.trios,
    start(role, address) {
      let isThere = true;
      const host = pod(role, address, () => isThere);
      hosts.set(address, host);
      host.start();
      return {
        ready: () => host.life.alive && !host.life.frozen && !host.ending,
        end(ended) {
          if (host.service === undefined) ended();
          else host.end(ended);
        },
        kill() {
          isThere = false;
          host.kill();
          network.died(host.name);
          hosts.delete(address);
          gone(host);
        },
      };
    },
    changed(kind, name) {
      if (kind === 'jobsets') lookForDoubles(name);
    },
  });
  const { server } = cluster;
  const runOf = (name: string) => {
    const jobSet = server.find('jobsets', name);
    return jobSet && jobSet.metadata.deletionTimestamp === undefined ? claimIn(jobSet, INSTANCE)?.runId : undefined;
  };

  function lookForDoubles(name: string): void {
    const run = runOf(name);
    if (run === undefined) return;
    for (const other of server.all('jobsets').map(({ metadata }) => metadata.name)) {
      if (other === name || runOf(other) !== run) continue;
      world.after(DOUBLED, 'invariant', () => {
        if (runOf(name) === run && runOf(other) === run) broken(`run ${run} has two JobSets, ${name} and ${other}`);
      });
    }
  }

  return {
    cluster,
    trios() {
      const groups = Map.groupBy(server.all('pods'), ({ metadata }) => metadata.labels?.[JOBSET_OF_POD] ?? '');
      const addressOf = (ip: string | undefined) => [...hosts.keys()].find((address) => address.startsWith(`${ip}:`));
      return [...groups.values()].flatMap((pods) => {
        const own = pods.flatMap(({ status }) => hosts.get(addressOf(status?.podIP) ?? '') ?? []);
        return own.length > 0 ? [own] : [];
      });
    },
    leftOver: () =>
      (['jobsets', 'pods', 'workloads'] as const).flatMap((kind) =>
        server.all(kind).map(({ metadata }) => `${metadata.name} is left of the ${kind} of the cluster`),
      ),
  };
}

/** The placement of one life of an orchestrator, which reaches the API server over the network. */
export function placementIn(
  { cluster, trios }: Pick<Scene, 'cluster' | 'trios'>,
  network: Network,
  life: Life,
  server: Host<KubernetesApi>,
): JobSetPlacement {
  const call = <Reply>(what: string, answer: (api: KubernetesApi) => Promise<Reply>) =>
    network.call(life, server, what, answer, { seconds: 15, retries: 1 });
  const api: KubernetesApi = {
    create: (jobSet) => call('create', (real) => real.create(jobSet)),
    get: (name) => call('get', (real) => real.get(name)),
    delete: (name, uid) => call('delete', (real) => real.delete(name, uid)),
    list: (kind) => call('list', (real) => real.list(kind)),
    watch: (kind, version, signal) =>
      network.stream(life, server, 'changes', (real, left) => real.watch(kind, version, left), signal),
  };
  const kueue = cluster?.kueue ?? false;
  const note = (fields: unknown, message?: unknown) => life.note(() => `${message ?? ''} ${JSON.stringify(fields)}`);
  return jobSetPlacement({
    ...{ api, clock: life.clock, random: life.random, stopped: NEVER },
    rules: {
      namespace: 'runs',
      instance: INSTANCE,
      priorityClasses: [{ from: 1, name: 'high' }],
      ...(kueue && { queue: 'q' }),
    },
    templates: new Map([['cpu', template]]),
    defaultClass: 'cpu',
    most: kueue ? 100 : trios,
    log: { info: note, warn: note },
  });
}

const NEVER = new AbortController().signal;
