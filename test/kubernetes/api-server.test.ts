import { beforeAll, describe, expect, test } from 'vitest';
import { kubectl } from './kubernetes.js';

/** Of what these tests create. */
const NAMESPACE = 'api-server';
beforeAll(() => kubectl('create', 'namespace', NAMESPACE));

const create = (manifest: object, ...args: readonly string[]) =>
  kubectl('create', '-f', '-', '--validate=strict', ...args, { input: JSON.stringify(manifest) });

const namespace = (name: string, labels: Readonly<Record<string, string>> = {}) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

const jobSet = (name: string, spec: object = {}) => ({
  apiVersion: 'jobset.x-k8s.io/v1alpha2',
  kind: 'JobSet',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    replicatedJobs: [
      {
        name: 'teacher',
        template: {
          spec: { template: { spec: { restartPolicy: 'OnFailure', containers: [{ name: 'main', image: 'trikd' }] } } },
        },
      },
    ],
    ...spec,
  },
});

describe('the API server of the tests', () => {
  test('stores a JobSet, and refuses a field that a JobSet does not have', async () => {
    await create(jobSet('known'));
    expect(await kubectl('get', '-n', NAMESPACE, 'jobset', 'known', '--output=name')).toBe(
      'jobset.jobset.x-k8s.io/known\n',
    );
    await expect(create(jobSet('unknown', { replicas: 3 }))).rejects.toThrow('unknown field "spec.replicas"');
  });

  test('knows the kinds of Kueue', async () => {
    const kinds = await kubectl('api-resources', '--api-group=kueue.x-k8s.io', '--output=name');
    expect(kinds.split('\n')).toEqual(
      expect.arrayContaining(['workloads.kueue.x-k8s.io', 'localqueues.kueue.x-k8s.io']),
    );
  });

  test('admits a pod to a restricted namespace only with a restricted security context', async () => {
    await create(namespace('api-server-restricted', { 'pod-security.kubernetes.io/enforce': 'restricted' }));
    await create({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'student-trainer', namespace: 'api-server-restricted' },
    });
    const pod = (securityContext: object) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'student', namespace: 'api-server-restricted' },
      spec: {
        serviceAccountName: 'student-trainer',
        containers: [{ name: 'main', image: 'trikd', securityContext }],
      },
    });
    await expect(create(pod({}), '--dry-run=server')).rejects.toThrow('violates PodSecurity "restricted:latest"');
    const restricted = {
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    };
    expect(await create(pod(restricted), '--dry-run=server')).toContain('pod/student created');
  });

  test('gives a ServiceAccount no right that no Role gives it', async () => {
    const orchestrator = ['-n', NAMESPACE, '--as', `system:serviceaccount:${NAMESPACE}:orchestrator`];
    await expect(kubectl('get', 'jobsets', ...orchestrator)).rejects.toThrow('forbidden');
    await kubectl('-n', NAMESPACE, 'create', 'role', 'watcher', '--verb=list', '--resource=jobsets.jobset.x-k8s.io');
    await kubectl(
      '-n',
      NAMESPACE,
      'create',
      'rolebinding',
      'watcher',
      '--role=watcher',
      `--serviceaccount=${NAMESPACE}:orchestrator`,
    );
    await kubectl('get', 'jobsets', ...orchestrator);
  });
});
