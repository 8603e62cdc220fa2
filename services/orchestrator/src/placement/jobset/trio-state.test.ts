import { ROLES, type Role } from '@trikd/core/domain/position';
import { expect, test } from 'vitest';
import type { JobSet, Metadata, Pod, StatusCondition, Workload } from './objects.js';
import { incidentsOf, type TrioObjects, trioStateOf } from './trio-state.js';

const metadata = (name: string, more: Partial<Metadata> = {}): Metadata => ({
  ...{ name, uid: `uid of ${name}`, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  ...more,
});
const READY: StatusCondition = { type: 'Ready', status: 'True' };
const spec: Pod['spec'] = {
  containers: [{ name: 'side' }, { name: 'service', ports: [{ name: 'grpc', containerPort: 50051 }] }],
};
type Status = NonNullable<Pod['status']>;
const podOf = (role: Role, status: Status, more: Partial<Metadata> = {}): Pod => ({
  metadata: metadata(`${role}-pod`, { labels: { 'trikd.dev/role': role }, ...more }),
  ...{ spec, status },
});
const readyPod = (role: Role) => podOf(role, { podIP: `10.0.0.${ROLES.indexOf(role)}`, conditions: [READY] });
const ready = ROLES.map(readyPod);

const jobSet: JobSet = { metadata: metadata('t'), spec: { suspend: false } };
const trio = (change: Partial<TrioObjects> = {}): TrioObjects => ({
  ...{ name: 't', jobSet, pods: ready, workload: undefined },
  ...change,
});
/** A trio whose teacher is in a state of its own. */
const withTeacher = (status: Status, more: Partial<Metadata> = {}) =>
  trio({ pods: [podOf('teacher', status, more), readyPod('student'), readyPod('anchor')] });
const suspended = (conditions?: readonly StatusCondition[]) => {
  const workload: Workload | undefined = conditions && { metadata: metadata('w'), status: { conditions } };
  return trio({ jobSet: { ...jobSet, spec: { suspend: true } }, pods: [], workload });
};
const waitOf = (objects: TrioObjects) => {
  const state = trioStateOf(objects);
  return 'wait' in state ? [state.wait.reason, state.wait.message] : [state.kind];
};

test('a trio of three ready pods is reached at their addresses, those of IPv6 in brackets', () => {
  const [teacher, ...others] = ready;
  const six = { ...teacher!, status: { podIP: 'fd00::7', conditions: [READY] } };
  expect(trioStateOf(trio({ pods: [six, ...others] }))).toEqual({
    kind: 'ready',
    trio: { name: 't', teacher: '[fd00::7]:50051', student: '10.0.0.1:50051', anchor: '10.0.0.2:50051' },
  });
});

const replicated: JobSet = {
  ...jobSet,
  spec: { replicatedJobs: [{ name: 'student', template: { spec: { parallelism: 2 } } }] },
};
const replica = (status: Status) =>
  podOf('student', status, {
    ...{ name: 'replica-pod', uid: 'replica' },
    labels: { 'trikd.dev/role': 'student', 'batch.kubernetes.io/job-completion-index': '1' },
  });

test('a trio with replicas is ready when their pods are, and has their addresses beside those of the trainers', () => {
  const pods = [replica({ podIP: '10.0.0.7', conditions: [READY] }), ...ready];
  expect(trioStateOf(trio({ jobSet: replicated, pods }))).toMatchObject({
    kind: 'ready',
    trio: { student: '10.0.0.1:50051', replicas: { teacher: [], student: ['10.0.0.7:50051'] } },
  });
  const starting = [...ready, replica({ phase: 'Pending' })];
  expect(trioStateOf(trio({ jobSet: replicated, pods: starting }))).toMatchObject({
    ...{ kind: 'unready', role: 'student' },
    wait: { message: 'replica 1 of the student of trio t is starting' },
  });
  expect(waitOf(trio({ jobSet: replicated }))).toEqual([
    'Starting',
    'replica 1 of the student of trio t has no pod yet',
  ]);
});

test.each<[TrioObjects, string, string]>([
  [suspended(), 'QuotaWait', 'trio t is suspended until its queue admits it'],
  [
    suspended([{ type: 'QuotaReserved', status: 'False', message: 'insufficient unused quota for cpu' }]),
    'QuotaWait',
    'trio t waits for quota: insufficient unused quota for cpu',
  ],
  [
    suspended([{ type: 'Evicted', status: 'True', reason: 'Preempted', message: 'to accommodate another' }]),
    'Preempted',
    'trio t was evicted: to accommodate another',
  ],
  [trio({ pods: [] }), 'Starting', 'the teacher of trio t has no pod yet'],
  [withTeacher({ phase: 'Pending' }), 'Starting', 'the teacher of trio t is starting'],
  [withTeacher({ podIP: '10.0.0.9', phase: 'Running' }), 'Starting', 'the teacher of trio t is starting'],
  [
    withTeacher({ conditions: [READY], podIP: '1.2.3.4' }, { deletionTimestamp: '2026-01-01T00:00:01Z' }),
    'Starting',
    'the teacher of trio t is being replaced',
  ],
  [
    withTeacher({ conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available' }] }),
    'Unschedulable',
    'the teacher of trio t cannot be scheduled: 0/1 nodes are available',
  ],
  [
    withTeacher({
      containerStatuses: [
        { name: 's', image: 'x:1', state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } } },
      ],
    }),
    'ImagePull',
    'the teacher of trio t has no image x:1: ImagePullBackOff: not found',
  ],
  [
    withTeacher({
      containerStatuses: [
        {
          name: 's',
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
        },
      ],
    }),
    'Crashing',
    'the teacher of trio t crashes: it ended with exit status 137 (OOMKilled)',
  ],
  [
    withTeacher({
      containerStatuses: [
        {
          name: 's',
          state: { terminated: { exitCode: 1, reason: 'Error', message: '{"level":50,"msg":"the store is away"}\n' } },
        },
      ],
    }),
    'Crashing',
    'the teacher of trio t crashes: it ended with exit status 1: the store is away',
  ],
  [
    withTeacher({
      containerStatuses: [
        { name: 's', state: { waiting: { reason: 'CreateContainerConfigError', message: 'no secret' } } },
      ],
    }),
    'Crashing',
    'the teacher of trio t crashes: CreateContainerConfigError: no secret',
  ],
  [
    withTeacher({ phase: 'Failed', message: 'node shut down' }),
    'Crashing',
    'the teacher of trio t has failed: node shut down',
  ],
])('a trio that is not there says why: %#', (objects, reason, message) => {
  expect(waitOf(objects)).toEqual([reason, message]);
});

test('of several services that are not ready, the one that does not heal by itself is named', () => {
  const pods = [
    podOf('student', { conditions: [{ type: 'PodScheduled', status: 'False', message: 'too small' }] }),
    podOf('anchor', { containerStatuses: [{ name: 's', state: { waiting: { reason: 'ErrImagePull' } } }] }),
  ];
  expect(waitOf(trio({ pods }))[0]).toBe('ImagePull');
});

test('the newest pod of a role counts, and one that is being deleted does not', () => {
  const at = (second: number) => `2026-01-01T00:00:0${second}Z`;
  const [, student, anchor] = ready;
  const status = { podIP: '10.0.1.1', conditions: [READY] };
  const old = podOf('teacher', { podIP: '10.0.1.0', conditions: [READY] }, { creationTimestamp: at(1) });
  const next = podOf('teacher', status, { name: 'next', creationTimestamp: at(2) });
  const leaving = podOf(
    'teacher',
    { podIP: '10.0.1.2', conditions: [READY] },
    {
      ...{ name: 'leaving', creationTimestamp: at(3), deletionTimestamp: at(4) },
    },
  );
  expect(trioStateOf(trio({ pods: [next, leaving, old, student!, anchor!] }))).toMatchObject({
    trio: { teacher: '10.0.1.1:50051' },
  });
});

test('a pod that has to go says so until another one is ready in its place', () => {
  const disruption: StatusCondition = { type: 'DisruptionTarget', status: 'True', message: 'the node is drained' };
  const [, student, anchor] = ready;
  const going = podOf('teacher', { podIP: '10.0.0.9', conditions: [READY, disruption] });
  const gone = { ...going, metadata: { ...going.metadata, name: 'gone', deletionTimestamp: '2026-01-01T00:00:05Z' } };
  const disrupted = 'the teacher of trio t has to go: the node is drained';
  expect(trioStateOf(trio({ pods: [going, student!, anchor!] }))).toMatchObject({ kind: 'ready', disrupted });
  expect(trioStateOf(trio({ pods: [gone, student!, anchor!] }))).toMatchObject({ kind: 'unready', disrupted });
  expect(trioStateOf(trio({ pods: [gone, ...ready] }))).not.toHaveProperty('disrupted');
});

test('a JobSet that is gone, being deleted, or over cannot be waited for', () => {
  const over: JobSet = {
    ...jobSet,
    status: { conditions: [{ type: 'Failed', status: 'True', message: 'too many restarts' }] },
  };
  const deleting: JobSet = { ...jobSet, metadata: metadata('t', { deletionTimestamp: '2026-01-01T00:00:05Z' }) };
  const states = [undefined, deleting, over].map((each) => trioStateOf(trio({ jobSet: each })));
  expect(states).toEqual([
    { kind: 'absent', message: 'trio t does not exist' },
    { kind: 'deleting', message: 'trio t is being deleted' },
    { kind: 'over', message: 'the JobSet of trio t has failed: too many restarts' },
  ]);
});

test('ends of containers, evictions and deletions are incidents, each with a key of its own', () => {
  const terminated = (exitCode: number, reason: string) => ({
    terminated: { exitCode, reason, containerID: `c${exitCode}` },
  });
  const objects = withTeacher(
    {
      reason: 'Evicted',
      message: 'the node was low on memory',
      containerStatuses: [{ name: 'service', lastState: terminated(137, 'OOMKilled'), state: terminated(1, 'Error') }],
    },
    { deletionTimestamp: '2026-01-01T00:00:05Z' },
  );
  const found = incidentsOf(objects);
  expect(found.map(({ role, reason, message }) => [role, reason, message])).toEqual([
    ['teacher', 'OOMKilled', 'container service of the teacher of trio t: it ended with exit status 137 (OOMKilled)'],
    ['teacher', 'Error', 'container service of the teacher of trio t: it ended with exit status 1'],
    ['teacher', 'Evicted', 'pod teacher-pod, the teacher of trio t: the node was low on memory'],
    ['teacher', 'PodDeleted', 'pod teacher-pod, the teacher of trio t, is being deleted'],
  ]);
  expect(new Set(found.map(({ key }) => key)).size).toBe(4);
});

test('what the deletion of the JobSet does to its pods is no incident', () => {
  const deleting: JobSet = { ...jobSet, metadata: metadata('t', { deletionTimestamp: '2026-01-01T00:00:05Z' }) };
  const { pods } = withTeacher({}, { deletionTimestamp: '2026-01-01T00:00:05Z' });
  expect(incidentsOf(trio({ jobSet: deleting, pods }))).toEqual([]);
});
