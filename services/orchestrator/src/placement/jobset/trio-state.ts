import { ROLES, type Role } from '@trikd/core/domain/position';
import type { Wait } from '@trikd/core/run/queue';
import { MOST_REPLICAS } from '@trikd/core/spec/role-spec';
import { lastErrorIn } from '@trikd/process/service-process';
import type { Incident, PlacementNews, TrioAddresses } from '../placement.js';
import {
  type ContainerState,
  type ContainerStatus,
  conditionOf,
  type JobSet,
  LABELS,
  type Pod,
  type Terminated,
  type Workload,
} from './objects.js';

/** The objects of one trio. */
export interface TrioObjects {
  readonly name: string;
  readonly jobSet: JobSet | undefined;
  /** Those of its JobSet, in any order, also those that are being replaced. */
  readonly pods: readonly Pod[];
  /** Absent without Kueue. */
  readonly workload: Workload | undefined;
}

/** What a trio is like. Messages are one sentence that names the trio. */
export type TrioState =
  /** There is no such JobSet. */
  | { readonly kind: 'absent'; readonly message: string }
  | { readonly kind: 'deleting'; readonly message: string }
  /** The JobSet has completed or failed: it starts nothing any more. */
  | { readonly kind: 'over'; readonly message: string }
  /** It has no processes until Kueue admits it, or a person resumes it. */
  | { readonly kind: 'suspended'; readonly wait: Wait }
  /** A service is not ready. `disrupted`: a process has to go since others need what it runs on. */
  | { readonly kind: 'unready'; readonly role: Role; readonly wait: Wait; readonly disrupted?: string }
  | { readonly kind: 'ready'; readonly trio: TrioAddresses; readonly disrupted?: string };

export function trioStateOf({ name, jobSet, pods, workload }: TrioObjects): TrioState {
  if (!jobSet) return { kind: 'absent', message: `trio ${name} does not exist` };
  if (jobSet.metadata.deletionTimestamp) return { kind: 'deleting', message: `trio ${name} is being deleted` };
  for (const type of ['Failed', 'Completed']) {
    const over = conditionOf(jobSet.status, type);
    if (over) return { kind: 'over', message: `the JobSet of trio ${name} has ${type.toLowerCase()}: ${textOf(over)}` };
  }
  if (jobSet.spec.suspend) return { kind: 'suspended', wait: waitOfSuspended(name, workload) };
  const found = ROLES.flatMap((role) =>
    Array.from({ length: podsOf(jobSet, role) }, (_, rank) => ({
      ...{ role, rank, who: whoIs(role, rank, name) },
      ...podOf(pods, role, rank),
    })),
  );
  const gone = found.flatMap(({ who, disrupted }) => (disrupted ? `${who} has to go: ${disrupted}` : []));
  const disrupted = gone[0] === undefined ? {} : { disrupted: gone[0] };
  const waits = found.flatMap(({ role, who, pod, address }) =>
    address === undefined ? { role, wait: waitOfPod(who, pod) } : [],
  );
  const worst = waits.toSorted((a, b) => URGENCY.indexOf(a.wait.reason) - URGENCY.indexOf(b.wait.reason))[0];
  if (worst) return { kind: 'unready', ...worst, ...disrupted };
  const addressesOf = (role: Role) => found.flatMap((each) => (each.role === role ? (each.address ?? []) : []));
  const [first, further] = [
    Object.fromEntries(ROLES.map((role) => [role, addressesOf(role)[0]])) as Record<Role, string>,
    { teacher: addressesOf('teacher').slice(1), student: addressesOf('student').slice(1) },
  ];
  const replicas = found.length > ROLES.length ? { replicas: further } : {};
  return { kind: 'ready', trio: { name, ...first, ...replicas }, ...disrupted };
}

/** How many pods of a role a JobSet has. */
function podsOf({ spec }: JobSet, role: Role): number {
  const pods = spec.replicatedJobs?.find(({ name }) => name === role)?.template.spec.parallelism ?? 1;
  return Math.min(MOST_REPLICAS, pods);
}

/** A process of a trio in a sentence. The trainer is the replica of rank 0. */
function whoIs(role: Role, rank: number, trio: string): string {
  return `${rank === 0 ? '' : `replica ${rank} of `}the ${role} of trio ${trio}`;
}

/** Which of the pods of its role a pod is. */
export function rankOf({ metadata }: Pod): number {
  return Number(metadata.labels?.[LABELS.rank] ?? 0);
}

/** What to say first of several services that are not ready. */
const URGENCY: readonly Wait['reason'][] = ['Crashing', 'ImagePull', 'Unschedulable', 'Starting'];

interface Found {
  readonly pod: Pod | undefined;
  /** host:port, when it is ready. */
  readonly address: string | undefined;
  /** Why its pod has to go. */
  readonly disrupted: string | undefined;
}

/** The newest pod of a role and a rank: a job makes another one when one is being deleted. */
function podOf(pods: readonly Pod[], role: Role, rank: number): Found {
  const own = pods.filter((pod) => pod.metadata.labels?.[LABELS.role] === role && rankOf(pod) === rank);
  const pod = own.toSorted(byAge).at(-1);
  const address = pod && addressOf(pod);
  const suspects = address === undefined ? own : [pod];
  const disruption = suspects.flatMap((each) => conditionOf(each?.status, 'DisruptionTarget') ?? [])[0];
  return { pod, address, disrupted: disruption && textOf(disruption) };
}

/** Those that are being deleted before those that stay, then by age. */
function byAge(a: Pod, b: Pod): number {
  const key = ({ metadata: { deletionTimestamp, creationTimestamp, name } }: Pod) =>
    `${deletionTimestamp === undefined ? 1 : 0} ${creationTimestamp} ${name}`;
  return key(a) < key(b) ? -1 : 1;
}

/** host:port of the service of a pod that is ready. */
function addressOf({ metadata, spec, status }: Pod): string | undefined {
  const port = spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === 'grpc')?.containerPort;
  const ip = status?.podIP;
  const isReady = metadata.deletionTimestamp === undefined && conditionOf(status, 'Ready') !== undefined;
  if (!isReady || ip === undefined || ip === '' || port === undefined) return undefined;
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function waitOfSuspended(name: string, workload: Workload | undefined): Wait {
  const evicted = conditionOf(workload?.status, 'Evicted');
  if (evicted) return { reason: 'Preempted', message: `trio ${name} was evicted: ${textOf(evicted)}` };
  const quota = workload?.status?.conditions?.find(({ type }) => type === 'QuotaReserved');
  if (quota?.status === 'False')
    return { reason: 'QuotaWait', message: `trio ${name} waits for quota: ${textOf(quota)}` };
  return { reason: 'QuotaWait', message: `trio ${name} is suspended until its queue admits it` };
}

const PULLING = /^(ErrImage|ImagePull|InvalidImageName|ErrImageNeverPull|RegistryUnavailable|SignatureValidation)/;
const FAULTY = /^(CrashLoopBackOff|CreateContainer|RunContainer|StartError|PreCreateHook|PostStartHook)/;

/** Why a pod is not ready. @param who the role and the trio */
function waitOfPod(who: string, pod: Pod | undefined): Wait {
  if (!pod) return { reason: 'Starting', message: `${who} has no pod yet` };
  const { metadata, status } = pod;
  if (metadata.deletionTimestamp !== undefined) return { reason: 'Starting', message: `${who} is being replaced` };
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') {
    return { reason: 'Unschedulable', message: `${who} cannot be scheduled: ${textOf(scheduled)}` };
  }
  for (const container of statusesOf(pod)) {
    const { reason = '', message = '' } = container.state?.waiting ?? {};
    const why = message === '' ? reason : `${reason}: ${message}`;
    if (PULLING.test(reason))
      return { reason: 'ImagePull', message: `${who} has no image ${container.image ?? ''}: ${why}` };
    const ended = container.lastState?.terminated ?? container.state?.terminated;
    const isFaulty = FAULTY.test(reason) || (ended !== undefined && ended.exitCode !== 0);
    if (isFaulty) return { reason: 'Crashing', message: [`${who} crashes`, ended ? endOf(ended) : why].join(': ') };
  }
  if (status?.phase === 'Failed') {
    return {
      reason: 'Crashing',
      message: `${who} has failed: ${status.message ?? status.reason ?? 'no reason is given'}`,
    };
  }
  return { reason: 'Starting', message: `${who} is starting` };
}

function statusesOf({ status }: Pod): readonly ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

/** How a container ended. */
function endOf({ exitCode, signal, reason, message }: Terminated): string {
  const by = signal ? `by signal ${signal}` : `with exit status ${exitCode}`;
  const why = reason === undefined || reason === 'Error' ? '' : ` (${reason})`;
  // The end of its output, where the pod has `terminationMessagePolicy: FallbackToLogsOnError`.
  const said = lastErrorIn(message ?? '');
  return `it ended ${by}${why}${said === undefined ? '' : `: ${said}`}`;
}

function textOf({ reason, message }: { readonly reason?: string; readonly message?: string }): string {
  return message || reason || 'no reason is given';
}

/** What the state of a trio means for its run. @param given the trio as the run knows it */
export function newsOf(state: TrioState, given: TrioAddresses): PlacementNews {
  switch (state.kind) {
    case 'absent':
    case 'over':
      return { kind: 'away', message: state.message };
    case 'deleting':
      return { kind: 'draining', message: state.message };
    case 'suspended':
      return { kind: 'preempted', message: state.wait.message };
    case 'unready':
      if (state.disrupted !== undefined) return { kind: 'preempted', message: state.disrupted };
      return { kind: 'lost', role: state.role, message: state.wait.message };
    case 'ready':
      if (state.disrupted !== undefined) return { kind: 'preempted', message: state.disrupted };
      return sameTrio(given, state.trio) ? { kind: 'back' } : { kind: 'moved', trio: state.trio };
  }
}

function sameTrio(a: TrioAddresses, b: TrioAddresses): boolean {
  const all = ({ teacher, student, anchor, replicas }: TrioAddresses) =>
    JSON.stringify([teacher, student, anchor, replicas?.teacher ?? [], replicas?.student ?? []]);
  return all(a) === all(b);
}

/** An incident with a text that no other one has. */
export interface KeyedIncident extends Incident {
  readonly key: string;
}

/** What happened to the processes of a trio, as far as its pods still know. What the deletion of the JobSet itself does is none. */
export function incidentsOf({ name, jobSet, pods }: TrioObjects): readonly KeyedIncident[] {
  if (!jobSet || jobSet.metadata.deletionTimestamp !== undefined) return [];
  return pods.flatMap((pod) => {
    const role = ROLES.find((each) => each === pod.metadata.labels?.[LABELS.role]);
    return role ? incidentsOfPod(name, role, pod) : [];
  });
}

function incidentsOfPod(trio: string, role: Role, pod: Pod): readonly KeyedIncident[] {
  const { name, uid, deletionTimestamp } = pod.metadata;
  const who = whoIs(role, rankOf(pod), trio);
  const incident = (what: string, reason: string, message: string) => ({
    key: `${uid} ${what}`,
    role,
    reason,
    message,
  });
  const ends = statusesOf(pod).flatMap((container) =>
    [container.lastState, container.state].flatMap((state: ContainerState | undefined) => {
      const ended = state?.terminated;
      if (!ended) return [];
      const which = `${container.name} ${ended.containerID ?? ended.finishedAt ?? ''}`;
      return incident(which, ended.reason ?? 'Error', `container ${container.name} of ${who}: ${endOf(ended)}`);
    }),
  );
  const disruption = conditionOf(pod.status, 'DisruptionTarget');
  const { reason = '', message = '' } = pod.status ?? {};
  return [
    ...ends,
    ...(reason === '' ? [] : [incident('pod', reason, `pod ${name}, ${who}: ${message === '' ? reason : message}`)]),
    ...(disruption
      ? [
          incident(
            'disruption',
            disruption.reason ?? 'DisruptionTarget',
            `pod ${name}, ${who}, has to go: ${disruption.message ?? ''}`,
          ),
        ]
      : []),
    ...(deletionTimestamp === undefined
      ? []
      : [incident('deletion', 'PodDeleted', `pod ${name}, ${who}, is being deleted`)]),
  ];
}
