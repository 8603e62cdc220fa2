import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '@trikd/process/system-clock';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiClient } from '../../services/orchestrator/src/placement/jobset/api-client.js';
import {
  accessFromKubeconfig,
  type ClusterAccess,
} from '../../services/orchestrator/src/placement/jobset/cluster-access.js';
import { httpKubernetesApi } from '../../services/orchestrator/src/placement/jobset/http-api.js';
import { jobSetPlacement } from '../../services/orchestrator/src/placement/jobset/jobset.js';
import {
  kubernetesApiContract,
  NAMESPACE,
} from '../../services/orchestrator/src/placement/jobset/kubernetes-api.contract.js';
import type { KubernetesApi } from '../../services/orchestrator/src/placement/jobset/kubernetes-api.js';
import { nameOf } from '../../services/orchestrator/src/placement/jobset/objects.js';
import { template } from '../../services/orchestrator/src/placement/jobset/testing/template.js';
import { kubeconfig, kubectl } from './kubernetes.js';

const closing: (() => void)[] = [];

beforeAll(async () => {
  await kubectl('create', 'namespace', NAMESPACE);
});

afterAll(() => {
  for (const close of closing) close();
});

function apiOf(instance: string, change: Partial<ClusterAccess> = {}): KubernetesApi {
  const client = apiClient({ ...accessFromKubeconfig(kubeconfig()), ...change });
  closing.push(client.close);
  return httpKubernetesApi(client, { namespace: NAMESPACE, instance });
}

kubernetesApiContract(apiOf);

test('a watch from a version that the server does not keep is refused as too old', async () => {
  const changes = apiOf('old').watch('jobsets', '1', new AbortController().signal);
  await expect(changes[Symbol.asyncIterator]().next()).rejects.toMatchObject({ kind: 'out-of-step' });
});

test('a token that is not valid is refused, and so is what its account may not do', async () => {
  const { ca } = accessFromKubeconfig(kubeconfig()).credentials();
  const withToken = (token: string) => apiOf('x', { credentials: () => ({ ...(ca && { ca }), token }) });
  await expect(withToken('nonsense').list('jobsets')).rejects.toMatchObject({ kind: 'unauthenticated' });
  await kubectl('-n', NAMESPACE, 'create', 'serviceaccount', 'nobody');
  const token = await kubectl('-n', NAMESPACE, 'create', 'token', 'nobody');
  await expect(withToken(token.trim()).list('jobsets')).rejects.toMatchObject({
    kind: 'forbidden',
    message: expect.stringContaining('cannot list resource "jobsets"'),
  });
});

test('a JobSet beyond a quota is refused as such', async () => {
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'jobsets' } };
  const hard = { 'count/jobsets.jobset.x-k8s.io': '0' };
  await kubectl('create', 'namespace', 'full');
  await kubectl('-n', 'full', 'create', '-f', '-', { input: JSON.stringify({ ...quota, spec: { hard } }) });
  // What the controller of quotas would do.
  const status = { hard, used: hard };
  await kubectl('-n', 'full', 'patch', 'quota', 'jobsets', '--subresource=status', '-p', JSON.stringify({ status }));
  const client = apiClient(accessFromKubeconfig(kubeconfig()));
  closing.push(client.close);
  const api = httpKubernetesApi(client, { namespace: 'full', instance: 'x' });
  const create = (name: string) => api.create({ ...template, metadata: { ...template.metadata, name } });
  // The server learns of the quota a little later.
  const refusal = async () => {
    for (let number = 1; ; number += 1) {
      const refused = await create(`a-${number}`).catch((error: unknown) => error);
      if (refused instanceof Error) return refused;
    }
  };
  expect(await refusal()).toMatchObject({ kind: 'exhausted', message: expect.stringContaining('exceeded quota') });
});

test('a run gets its trio when its pods are ready, and another address when one of them is another', async () => {
  const stopped = new AbortController();
  const placement = jobSetPlacement({
    ...{ api: apiOf('placement'), clock: systemClock, random: Math.random, stopped: stopped.signal, most: 3 },
    rules: { namespace: NAMESPACE, instance: 'placement', priorityClasses: [] },
    templates: new Map([['cpu', template]]),
    defaultClass: 'cpu',
    log: { info: () => undefined, warn: () => undefined },
  });
  closing.push(() => stopped.abort());
  const claim = { runId: 'r', number: 1, priority: 0 };
  const jobSet = nameOf(claim, 'placement');
  const acquiring = placement.acquire(claim, stopped.signal);
  await kubectl('-n', NAMESPACE, 'create', 'serviceaccount', 'default');
  // What the controllers of Job and JobSet, and kubelet, would do.
  const addPod = async (role: string, ip: string, suffix = '') => {
    const name = `${jobSet}-${role}${suffix}`;
    const labels = {
      ...{ 'jobset.sigs.k8s.io/jobset-name': jobSet, 'trikd.dev/role': role },
      ...{ 'app.kubernetes.io/managed-by': 'trikd', 'app.kubernetes.io/instance': 'placement' },
    };
    const containers = [{ name: 's', image: 'x', ports: [{ name: 'grpc', containerPort: 50051 }] }];
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec: { containers } };
    await kubectl('-n', NAMESPACE, 'create', '-f', '-', { input: JSON.stringify(pod) });
    const conditions = [{ type: 'Ready', status: 'True' }];
    const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions };
    await kubectl('-n', NAMESPACE, 'patch', 'pod', name, '--subresource=status', '-p', JSON.stringify({ status }));
  };
  while (!(await apiOf('placement').get(jobSet))) await turn();
  for (const [index, role] of ['teacher', 'student', 'anchor'].entries()) await addPod(role, `10.0.0.${index + 1}`);
  const trio = { name: jobSet, teacher: '10.0.0.1:50051', student: '10.0.0.2:50051', anchor: '10.0.0.3:50051' };
  expect(await acquiring).toEqual(trio);
  const news = placement.watch(claim, stopped.signal)[Symbol.asyncIterator]();
  const first = news.next();
  await kubectl('-n', NAMESPACE, 'delete', 'pod', `${jobSet}-teacher`, '--force', '--grace-period=0');
  expect((await first).value).toMatchObject({ role: 'teacher' });
  await addPod('teacher', '10.0.0.9', '-again');
  const kinds = [];
  for (;;) {
    const { value } = await news.next();
    kinds.push(value?.kind);
    if (value?.kind === 'moved') {
      expect(value.trio).toEqual({ ...trio, teacher: '10.0.0.9:50051' });
      break;
    }
  }
  await placement.release(claim);
  expect((await apiOf('placement').get(jobSet))?.metadata.deletionTimestamp).toBeDefined();
});
