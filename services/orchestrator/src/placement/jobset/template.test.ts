import { expect, test } from 'vitest';
import { claimOf } from '../placement.contract.js';
import type { JobSet } from './objects.js';
import { claimIn, nameOf } from './objects.js';
import { type JobSetRules, jobSetOf, parseTemplate } from './template.js';
import { TEMPLATE, template } from './testing/template.js';

const rules: JobSetRules = {
  ...{ namespace: 'runs', instance: 'trikd', queue: 'main' },
  priorityClasses: [
    { from: 1, name: 'high' },
    { from: 50, name: 'urgent' },
  ],
};
const { queue: _, ...withoutQueue } = rules;

/** The labels of the JobSet of a claim. */
const labelsOf = (priority: number, change: Partial<JobSetRules> = {}) =>
  jobSetOf(template, claimOf('r', 1, { priority }), { ...rules, ...change }).metadata.labels;

test('a JobSet has a name of its claim, and keeps what the template says', () => {
  const jobSet = jobSetOf(template, claimOf('my-run', 3), rules);
  expect(jobSet.metadata).toMatchObject({
    ...{ name: 'trikd-20dafe05-p3', namespace: 'runs', annotations: { 'trikd.dev/run': 'my-run' } },
    labels: {
      ...{ team: 'vision', 'trikd.dev/run': 'my-run', 'trikd.dev/placement': '3' },
      ...{ 'app.kubernetes.io/managed-by': 'trikd', 'app.kubernetes.io/instance': 'trikd' },
    },
  });
  expect(jobSet.spec['network']).toEqual({ enableDNSHostnames: false });
});

test('pods are labelled with their run and their role', () => {
  const { replicatedJobs } = jobSetOf(template, claimOf('my-run', 3), rules).spec;
  const labels = replicatedJobs.map(({ template: job }) => job.spec.template.metadata.labels);
  expect(labels.map((each) => each['trikd.dev/role'])).toEqual(['teacher', 'student', 'anchor']);
  expect(labels[0]).toMatchObject({ tier: 'trio', 'trikd.dev/run': 'my-run', 'trikd.dev/placement': '3' });
});

const REPLICAS = { teacher: 1, student: 3 };

test('a role with replicas has a pod for each of them, which its queue admits together', () => {
  const { spec } = jobSetOf(template, claimOf('r', 1, { replicas: REPLICAS }), rules);
  const counts = spec.replicatedJobs.map(({ name, replicas, template: { spec: job } }) => [name, replicas, job]);
  expect(counts).toMatchObject([
    ['teacher', 1, { parallelism: 1, completions: 1 }],
    ['student', 1, { parallelism: 3, completions: 3, completionMode: 'Indexed' }],
    ['anchor', 1, { parallelism: 1, completions: 1 }],
  ]);
});

test('the trainers are a group of Kueue unless both have replicas, which Kueue refuses', () => {
  const group = { 'kueue.x-k8s.io/podset-group-name': 'trainers' };
  const grouped = parseTemplate('cpu', {
    ...TEMPLATE,
    spec: {
      replicatedJobs: TEMPLATE.spec.replicatedJobs.map((job) => {
        const { spec } = job.template;
        const pod = { ...spec.template, metadata: { annotations: job.name === 'anchor' ? {} : group } };
        return { ...job, template: { spec: { ...spec, template: pod } } };
      }),
    },
  });
  const groupsOf = (replicas: typeof REPLICAS) =>
    jobSetOf(grouped, claimOf('r', 1, { replicas }), rules).spec.replicatedJobs.map(
      ({ template: { spec } }) => spec.template.metadata.annotations['kueue.x-k8s.io/podset-group-name'],
    );
  expect(groupsOf(REPLICAS)).toEqual(['trainers', 'trainers', undefined]);
  expect(groupsOf({ teacher: 2, student: 2 })).toEqual([undefined, undefined, undefined]);
});

test('a JobSet with a queue is suspended until the queue admits it', () => {
  const queued = jobSetOf(template, claimOf('r'), rules);
  expect([queued.spec['suspend'], queued.metadata.labels['kueue.x-k8s.io/queue-name']]).toEqual([true, 'main']);
  const own = jobSetOf(template, claimOf('r', 1, { queue: 'mine' }), withoutQueue);
  expect([own.spec['suspend'], own.metadata.labels['kueue.x-k8s.io/queue-name']]).toEqual([true, 'mine']);
  const direct = jobSetOf(template, claimOf('r', 1, { priority: 9 }), withoutQueue);
  expect(direct.spec['suspend']).toBeUndefined();
  expect(Object.keys(direct.metadata.labels).filter((label) => label.startsWith('kueue'))).toEqual([]);
});

test('the priority class is that of the highest threshold that the priority of the run reaches', () => {
  const classes = [-1, 0, 1, 49, 50, 100].map((priority) => labelsOf(priority)['kueue.x-k8s.io/priority-class']);
  expect(classes).toEqual([undefined, undefined, 'high', 'high', 'urgent', 'urgent']);
});

test('the claim of a JobSet is found again, whatever the name of the run; a JobSet of another maker has none', () => {
  for (const runId of ['r', 'ends-with-a-dash-', 'n'.repeat(63)]) {
    const { metadata } = jobSetOf(template, claimOf(runId, 12), rules);
    const found = { metadata: { ...metadata, uid: 'u', resourceVersion: '1', creationTimestamp: '' } };
    expect(claimIn(found, 'trikd')).toEqual({ runId, number: 12, trio: metadata.name });
    expect(claimIn(found, 'other')).toBeUndefined();
    expect(metadata.labels['trikd.dev/run']).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
  }
  const foreign: JobSet['metadata'] = { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
  expect(claimIn({ metadata: foreign }, 'trikd')).toBeUndefined();
});

test('two installations in one namespace have different names for the same run', () => {
  expect(nameOf({ runId: 'r', number: 1 }, 'a')).not.toBe(nameOf({ runId: 'r', number: 1 }, 'b'));
});

const [teacher, student, anchor] = TEMPLATE.spec.replicatedJobs;
test.each([
  ['apiVersion', { ...TEMPLATE, apiVersion: 'jobset.x-k8s.io/v1' }],
  [
    'one replicated job each for teacher, student and anchor',
    { ...TEMPLATE, spec: { replicatedJobs: [teacher, student] } },
  ],
  ['replicas', { ...TEMPLATE, spec: { replicatedJobs: [teacher, student, { ...anchor, replicas: 2 }] } }],
  [
    'a container with a port that is named grpc',
    {
      ...TEMPLATE,
      spec: {
        replicatedJobs: [
          teacher,
          student,
          { ...anchor, template: { spec: { template: { spec: { containers: [{ name: 'service' }] } } } } },
        ],
      },
    },
  ],
])('a template is refused by its class and by what is wrong: %s', (what, yaml) => {
  expect(() => parseTemplate('gpu', yaml)).toThrow(/^the JobSet template of class gpu is invalid:/);
  expect(() => parseTemplate('gpu', yaml)).toThrow(what);
});
