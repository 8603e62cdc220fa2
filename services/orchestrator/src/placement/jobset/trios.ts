import type { Clock } from '@trikd/core/async/clock';
import { followObjects } from './followed-objects.js';
import type { KubernetesApi } from './kubernetes-api.js';
import type { JobSet, Kind, Pod, Workload } from './objects.js';
import type { TrioObjects } from './trio-state.js';

/** The trios of this installation, as Kubernetes has reported them last. */
export interface Trios {
  /** Whether all JobSets and pods were read once: before, nothing can be said about a trio that is not known. */
  synced(): boolean;
  jobSets(): Iterable<JobSet>;
  /** The objects of a trio. */
  get(name: string): TrioObjects;
  /** A JobSet that this process has just written or read. */
  put(jobSet: JobSet): void;
}

export interface TriosPorts {
  readonly api: Pick<KubernetesApi, 'list' | 'watch'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly stopped: AbortSignal;
  changed(): void;
  /** Gets why the cluster cannot be followed at the moment; undefined: it can. */
  trouble(reason: string | undefined): void;
}

/** The label with which the controller names the JobSet of a pod. */
export const JOBSET_OF_POD = 'jobset.sigs.k8s.io/jobset-name';

export function followTrios({ trouble, ...ports }: TriosPorts): Trios {
  const reasons = new Map<Kind, string>();
  const troubleOf = (kind: Kind) => (reason: string | undefined) => {
    const [before] = reasons.values();
    if (reason === undefined) reasons.delete(kind);
    else reasons.set(kind, reason);
    const [now] = reasons.values();
    if ((before === undefined) !== (now === undefined)) trouble(now);
  };
  const jobSets = followObjects({ ...ports, kind: 'jobsets', trouble: troubleOf('jobsets'), groupOf: () => undefined });
  const groupOf = ({ metadata }: Pod) => metadata.labels?.[JOBSET_OF_POD];
  const pods = followObjects({ ...ports, kind: 'pods', trouble: troubleOf('pods'), groupOf });
  const ownerOf = ({ metadata }: Workload) => metadata.ownerReferences?.[0]?.uid;
  const workloads = followObjects({ ...ports, kind: 'workloads', trouble: troubleOf('workloads'), groupOf: ownerOf });
  return {
    synced: () => jobSets.synced() && pods.synced(),
    jobSets: jobSets.all,
    get(name) {
      const jobSet = jobSets.get(name);
      return { name, jobSet, pods: pods.of(name), workload: jobSet && workloads.of(jobSet.metadata.uid)[0] };
    },
    put: jobSets.put,
  };
}
