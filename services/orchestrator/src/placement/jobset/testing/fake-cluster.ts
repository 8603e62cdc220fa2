import { ROLES, type Role } from '@trikd/core/domain/position';
import {
  type ContainerState,
  type JobSet,
  type Kind,
  LABELS,
  type Pod,
  type StatusCondition,
  type Workload,
} from '../objects.js';
import { rankOf } from '../trio-state.js';
import { JOBSET_OF_POD } from '../trios.js';
import { type FakeApiServer, fakeApiServer } from './fake-api-server.js';

/** What a pod runs. */
export interface FakeProcess {
  ready(): boolean;
  /** As SIGTERM does. Calls back when it has ended. */
  end(ended: () => void): void;
  /** As SIGKILL does. */
  kill(): void;
}

export interface FakeClusterPorts {
  /** Calls back after so many milliseconds. */
  after(ms: number, happen: () => void): void;
  /** Milliseconds since 1970. */
  now(): number;
  /** Uniform on [0, 1). */
  random(): number;
  /** JobSets with a queue that run at once. */
  readonly quota: number;
  /** Starts the process of a pod. @param address host:port */
  start(role: Role, address: string): FakeProcess;
  /** Where the next pod of a role listens. Default: an address of its own, at one port. */
  endpoint?(role: Role): { readonly ip: string; readonly port: number };
  /** Is called after each change of an object. */
  changed?(kind: Kind, name: string): void;
}

/** An API server with the controllers that a JobSet needs: those of JobSet and Job, Kueue, scheduler and kubelet, each a few lines. */
export interface FakeCluster {
  readonly server: FakeApiServer;
  /** Deletes a pod; another one is made. `force`: its process is killed without warning. */
  deletePod(name: string, force?: boolean): void;
  /** The API for evictions: the pod has to go since its node is drained. */
  evict(name: string): void;
  suspend(jobSet: string, suspend: boolean): void;
  /** Kueue takes the quota of a JobSet for something else, or a person suspends one that is in no queue, for a while. */
  preempt(jobSet: string): void;
  /** The container of a pod ends by itself, and is started again in place. */
  crash(pod: string, ended: { readonly exitCode: number; readonly reason: string }): void;
  /** @param rank of the replica; default: 0, the trainer itself */
  podOf(jobSet: string, role: Role, rank?: number): Pod | undefined;
}

/** Milliseconds. */
const REACTION = 100;
const PROBE = 500;
const GRACE = 40_000;
const STARTUP = [300, 1500] as const;
const REQUEUE = 5_000;
export const PORT = 50_051;

export function fakeCluster({ after, now, random, quota, start, endpoint, changed }: FakeClusterPorts): FakeCluster {
  const processes = new Map<string, FakeProcess>();
  const due = new Set<string>();
  let pods = 0;
  const between = ([low, high]: readonly [number, number]) => low + (high - low) * random();

  const server: FakeApiServer = fakeApiServer(now, (kind, name) => {
    changed?.(kind, name);
    if (kind === 'jobsets') wake(name);
    const owner = kind === 'pods' && server.find('pods', name)?.metadata.labels?.[JOBSET_OF_POD];
    if (owner) wake(owner);
  });

  /** The controllers look at a JobSet, soon. */
  function wake(jobSet: string): void {
    if (due.has(jobSet)) return;
    due.add(jobSet);
    after(REACTION * (0.5 + random()), () => {
      due.delete(jobSet);
      reconcile(jobSet);
    });
  }

  const podsOf = (jobSet: string) =>
    server.all('pods').filter(({ metadata }) => metadata.labels?.[JOBSET_OF_POD] === jobSet);
  const roleOf = ({ metadata }: Pod) => metadata.labels?.[LABELS.role];
  const isLeaving = ({ metadata }: Pod | JobSet) => metadata.deletionTimestamp !== undefined;

  const isThere = (own: readonly Pod[], role: Role, rank: number) =>
    own.some((pod) => roleOf(pod) === role && rankOf(pod) === rank && !isLeaving(pod));
  const placesIn = ({ spec: { replicatedJobs = [] } }: JobSet) =>
    ROLES.flatMap((role) => {
      const job = replicatedJobs.find(({ name }) => name === role);
      return Array.from({ length: job?.template.spec.parallelism ?? 0 }, (_, rank) => ({ role, rank }));
    });

  function reconcile(name: string): void {
    const jobSet = server.find('jobsets', name);
    const own = podsOf(name);
    if (!jobSet || isLeaving(jobSet)) {
      for (const pod of own) terminate(pod);
      if (own.length > 0) return;
      server.remove('workloads', `jobset-${name}`);
      server.remove('jobsets', name);
      admit();
      return;
    }
    if (jobSet.metadata.labels?.[LABELS.queue] !== undefined) admit();
    const { suspend } = server.find('jobsets', name)?.spec ?? {};
    if (suspend) for (const pod of own) terminate(pod);
    else for (const { role, rank } of placesIn(jobSet)) if (!isThere(own, role, rank)) createPod(name, role, rank);
  }

  /** Kueue: those with a priority first, then by age. */
  function admit(): void {
    const queued = server
      .all('jobsets')
      .filter((each) => each.metadata.labels?.[LABELS.queue] !== undefined && !isLeaving(each));
    const rank = ({ metadata }: JobSet) => (metadata.labels?.[LABELS.priority] === undefined ? 1 : 0);
    let free = quota - queued.filter(({ spec }) => !spec.suspend).length;
    for (const { metadata } of queued.filter(({ spec }) => spec.suspend).toSorted((a, b) => rank(a) - rank(b))) {
      const barred = server
        .find('workloads', `jobset-${metadata.name}`)
        ?.status?.conditions?.some(({ type }) => type === 'Evicted');
      if (free > 0 && !barred) {
        free -= 1;
        setWorkload(metadata, [{ type: 'QuotaReserved', status: 'True' }]);
        suspend(metadata.name, false);
      } else if (!barred) {
        const message = `couldn't assign flavors to pod set teacher: insufficient unused quota`;
        setWorkload(metadata, [{ type: 'QuotaReserved', status: 'False', reason: 'Pending', message }]);
      }
    }
  }

  function setWorkload({ name: owner, uid }: JobSet['metadata'], conditions: readonly StatusCondition[]): void {
    const name = `jobset-${owner}`;
    const before = server.find('workloads', name);
    if (JSON.stringify(before?.status?.conditions) === JSON.stringify(conditions)) return;
    const metadata = { ...(before?.metadata ?? server.metadata(name)), ownerReferences: [{ uid }] };
    const workload: Workload = { metadata, status: { conditions } };
    if (before) server.update('workloads', name, () => workload);
    else server.add('workloads', workload);
  }

  function suspend(name: string, value: boolean): void {
    server.update('jobsets', name, (jobSet) => ({ ...jobSet, spec: { ...jobSet.spec, suspend: value } }));
  }

  function createPod(jobSet: string, role: Role, rank: number): void {
    const blueprint = server.blueprintOf(jobSet)?.spec.replicatedJobs.find((job) => job.name === role);
    if (!blueprint) return;
    pods += 1;
    const name = `${jobSet}-${role}-0-${rank}-${pods}`;
    const { ip, port } = endpoint?.(role) ?? { ip: `10.0.${Math.floor(pods / 256)}.${pods % 256}`, port: PORT };
    const index = { [JOBSET_OF_POD]: jobSet, [LABELS.rank]: String(rank) };
    const labels = { ...blueprint.template.spec.template.metadata.labels, ...index };
    server.add('pods', {
      metadata: server.metadata(name, labels),
      spec: { containers: [{ name: 'service', ports: [{ name: 'grpc', containerPort: port }] }] },
      status: { phase: 'Pending' },
    });
    after(between(STARTUP), () => {
      const pod = server.find('pods', name);
      if (!pod || isLeaving(pod)) return;
      processes.set(name, start(role, `${ip}:${port}`));
      setStatus(name, { phase: 'Running', podIP: ip });
      probe(name);
    });
  }

  /** The kubelet, for as long as there is a process. */
  function probe(name: string): void {
    const process = processes.get(name);
    const pod = server.find('pods', name);
    if (!process || !pod) return;
    const status = process.ready() ? 'True' : 'False';
    const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.status !== status) setCondition(name, { type: 'Ready', status });
    after(PROBE * (0.5 + random()), () => probe(name));
  }

  function setStatus(name: string, status: Partial<NonNullable<Pod['status']>>): void {
    server.update('pods', name, (pod) => ({ ...pod, status: { ...pod.status, ...status } }));
  }

  function setCondition(name: string, condition: StatusCondition): void {
    const others = server.find('pods', name)?.status?.conditions?.filter(({ type }) => type !== condition.type) ?? [];
    setStatus(name, { conditions: [...others, condition] });
  }

  function terminate(pod: Pod): void {
    if (isLeaving(pod)) return;
    const { name } = pod.metadata;
    const gone = () => {
      processes.get(name)?.kill();
      processes.delete(name);
      server.remove('pods', name);
      wake(pod.metadata.labels?.[JOBSET_OF_POD] ?? '');
    };
    server.update('pods', name, (each) => ({
      ...each,
      metadata: { ...each.metadata, deletionTimestamp: server.date() },
    }));
    const process = processes.get(name);
    process?.end(gone);
    after(process ? GRACE : REACTION, gone);
  }

  return {
    server,
    deletePod(name, force = false) {
      const pod = server.find('pods', name);
      if (!pod) return;
      if (!force) return terminate(pod);
      processes.get(name)?.kill();
      processes.delete(name);
      server.remove('pods', name);
      wake(pod.metadata.labels?.[JOBSET_OF_POD] ?? '');
    },
    evict(name) {
      const pod = server.find('pods', name);
      if (!pod || isLeaving(pod)) return;
      const message = 'Eviction API: evicting';
      setCondition(name, { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message });
      const marked = server.find('pods', name);
      if (marked) terminate(marked);
    },
    suspend,
    preempt(name) {
      const jobSet = server.find('jobsets', name);
      if (!jobSet || isLeaving(jobSet) || jobSet.spec.suspend) return;
      const message = 'Preempted to accommodate a higher priority Workload';
      setWorkload(jobSet.metadata, [
        { type: 'QuotaReserved', status: 'False', reason: 'Pending', message },
        { type: 'Evicted', status: 'True', reason: 'Preempted', message },
      ]);
      suspend(name, true);
      after(REQUEUE, () => {
        const there = server.find('jobsets', name);
        if (!there) return;
        setWorkload(jobSet.metadata, [{ type: 'QuotaReserved', status: 'False', message }]);
        if (there.metadata.labels?.[LABELS.queue] === undefined) suspend(name, false);
        wake(name);
      });
    },
    crash(name, ended) {
      const process = processes.get(name);
      if (!process) return;
      const terminated: ContainerState = { terminated: { ...ended, containerID: `c${now()}` } };
      const restartCount = 1 + (server.find('pods', name)?.status?.containerStatuses?.[0]?.restartCount ?? 0);
      setStatus(name, { containerStatuses: [{ name: 'service', restartCount, state: {}, lastState: terminated }] });
      setCondition(name, { type: 'Ready', status: 'False' });
    },
    podOf: (jobSet, role, rank = 0) =>
      podsOf(jobSet).find((pod) => roleOf(pod) === role && rankOf(pod) === rank && !isLeaving(pod)),
  };
}
