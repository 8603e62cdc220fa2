import { createHash } from 'node:crypto';
import type { ClaimName } from '../placement.js';

/** The objects of Kubernetes that the placement reads, as far as it reads them: everything else in them stays as it is. */
export interface Objects {
  readonly jobsets: JobSet;
  readonly pods: Pod;
  readonly workloads: Workload;
}
export type Kind = keyof Objects;
export const KINDS = ['jobsets', 'pods', 'workloads'] as const satisfies readonly Kind[];

export interface Metadata {
  readonly name: string;
  readonly uid: string;
  /** Compared for equality only. */
  readonly resourceVersion: string;
  /** ISO 8601. */
  readonly creationTimestamp: string;
  /** Absent unless the object is being deleted. */
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { readonly uid: string }[];
}

export interface StatusCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

interface Status {
  readonly conditions?: readonly StatusCondition[];
}

/** A group of three jobs, one for each role. */
export interface JobSet {
  readonly metadata: Metadata;
  readonly spec: { readonly suspend?: boolean; readonly replicatedJobs?: readonly ReplicatedJob[] };
  readonly status?: Status;
}

export interface ReplicatedJob {
  readonly name: string;
  /** `parallelism`: how many pods of the role there are at once. */
  readonly template: { readonly spec: { readonly parallelism?: number } };
}

/** What Kueue knows of a JobSet. */
export interface Workload {
  readonly metadata: Metadata;
  readonly status?: Status;
}

export interface Pod {
  readonly metadata: Metadata;
  readonly spec: {
    readonly containers: readonly {
      readonly name: string;
      readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
    }[];
  };
  readonly status?: Status & {
    /** Pending, Running, Succeeded, Failed or Unknown. */
    readonly phase?: string;
    readonly podIP?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export interface ContainerStatus {
  readonly name: string;
  readonly image?: string;
  readonly restartCount?: number;
  readonly state?: ContainerState;
  /** Of the container before, if this one was restarted. */
  readonly lastState?: ContainerState;
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: Terminated;
}

export interface Terminated {
  readonly exitCode: number;
  readonly signal?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly containerID?: string;
  readonly finishedAt?: string;
}

/** The condition of a type, if it holds. */
export function conditionOf(status: Status | undefined, type: string): StatusCondition | undefined {
  return status?.conditions?.find((each) => each.type === type && each.status === 'True');
}

/** Labels of JobSets and their pods. */
export const LABELS = {
  run: 'trikd.dev/run',
  placement: 'trikd.dev/placement',
  role: 'trikd.dev/role',
  /** Of the controller of jobs: which of the pods of a job it is. */
  rank: 'batch.kubernetes.io/job-completion-index',
  managedBy: 'app.kubernetes.io/managed-by',
  instance: 'app.kubernetes.io/instance',
  queue: 'kueue.x-k8s.io/queue-name',
  priority: 'kueue.x-k8s.io/priority-class',
} as const;

export const MANAGER = 'trikd';

/**
 * The JobSet of a claim. The names of its pods are longer and have to be names of hosts, so the name of the run is a digest here.
 * @param instance tells two installations in one namespace apart
 */
export function nameOf({ runId, number }: ClaimName, instance: string): string {
  const digest = createHash('sha256').update(`${instance} ${runId}`).digest('hex').slice(0, 8);
  return `trikd-${digest}-p${number}`;
}

/** The labels of a JobSet and of its pods. */
export function labelsOf({ runId, number }: ClaimName, instance: string): Readonly<Record<string, string>> {
  return {
    // The value of a label must not end with a dash, the name of a run may.
    [LABELS.run]: runId.replace(/-+$/, ''),
    [LABELS.placement]: String(number),
    [LABELS.managedBy]: MANAGER,
    [LABELS.instance]: instance,
  };
}

/** Selects the JobSets and the pods of an installation. */
export function selectorOf(instance: string): string {
  return `${LABELS.managedBy}=${MANAGER},${LABELS.instance}=${instance}`;
}

/** The claim that a JobSet was made for; undefined for a JobSet of another maker. */
export function claimIn(
  { metadata }: Pick<JobSet, 'metadata'>,
  instance: string,
): (ClaimName & { trio: string }) | undefined {
  const { name, labels = {}, annotations = {} } = metadata;
  const runId = annotations[LABELS.run];
  const number = Number(labels[LABELS.placement]);
  if (runId === undefined || !Number.isSafeInteger(number)) return undefined;
  if (labels[LABELS.managedBy] !== MANAGER || labels[LABELS.instance] !== instance) return undefined;
  return nameOf({ runId, number }, instance) === name ? { runId, number, trio: name } : undefined;
}
