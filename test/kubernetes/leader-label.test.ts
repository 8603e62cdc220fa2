import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '@trikd/process/system-clock';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { httpOrchestratorPods, keepLeaderLabel } from '../../services/orchestrator/src/leadership/leader-label.js';
import { apiClient } from '../../services/orchestrator/src/placement/jobset/api-client.js';
import { accessFromKubeconfig } from '../../services/orchestrator/src/placement/jobset/cluster-access.js';
import { kubeconfig, kubectl } from './kubernetes.js';

const NAMESPACE = 'control';
const SELECTOR = 'app=trikd,part in (orchestrator)';

const closing: (() => void)[] = [];

beforeAll(async () => {
  await kubectl('create', 'namespace', NAMESPACE);
  await inNamespace('create', 'serviceaccount', 'default');
});

afterAll(() => {
  for (const close of closing) close();
});

const inNamespace = (...args: readonly string[]) => kubectl('-n', NAMESPACE, ...args);

async function addPod(name: string, part = 'orchestrator'): Promise<void> {
  const metadata = { name, labels: { app: 'trikd', part }, annotations: { 'example.org/owner': 'vision' } };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [{ name: 's', image: 'x' }] } };
  await kubectl('-n', NAMESPACE, 'create', '-f', '-', { input: JSON.stringify(pod) });
}

function podsOf() {
  const client = apiClient(accessFromKubeconfig(kubeconfig()));
  closing.push(client.close);
  return httpOrchestratorPods(client, { namespace: NAMESPACE, selector: SELECTOR });
}

function start(pod: string) {
  const stopped = new AbortController();
  // The leader of an earlier term labels its pod again, in time.
  onTestFinished(() => stopped.abort(new Error('stopped')));
  const log = { info: () => undefined, warn: () => undefined };
  return keepLeaderLabel({
    ...{ pods: podsOf(), pod, clock: systemClock, random: Math.random, stopped: stopped.signal, log },
  });
}

/** What a Service of the leader selects. */
const selected = async () =>
  (await inNamespace('get', 'pods', '-l', `${SELECTOR},trikd.dev/leader=true`, '-o', 'name')).trim();

test('a Service that selects the label finds the leader, from one to the next', async () => {
  for (const name of ['a', 'b']) await addPod(name);
  const [a, b] = [start('a'), start('b')];
  a.leads(1);
  await a.settled();
  expect(await selected()).toBe('pod/a');
  // The first one does not learn of it.
  b.leads(2);
  await b.settled();
  expect(await selected()).toBe('pod/b');
  b.leads(undefined);
  await b.settled();
  expect(await selected()).toBe('');
});

test('everything else of a pod stays as it is', async () => {
  await addPod('c');
  const marks = () => inNamespace('get', 'pod', 'c', '-o', 'jsonpath={.metadata.labels} {.metadata.annotations}');
  const before = await marks();
  const c = start('c');
  c.leads(3);
  await c.settled();
  expect(await marks()).toContain('"trikd.dev/term":"3"');
  c.leads(undefined);
  await c.settled();
  expect(await marks()).toBe(before);
});

test('pods of other selectors are not listed', async () => {
  await addPod('store', 'minio');
  const names = (await podsOf().list()).map(({ metadata }) => metadata.name);
  expect(names).not.toContain('store');
});

test('a pod that is gone needs no label, and another one of the same name gets none', async () => {
  await addPod('d');
  const pods = podsOf();
  const pod = (await pods.list()).find(({ metadata }) => metadata.name === 'd')!;
  await inNamespace('delete', 'pod', 'd', '--force', '--grace-period=0', '--wait=false');
  while ((await inNamespace('get', 'pods', '-o', 'name')).includes('pod/d')) await turn();
  await pods.label({ pod, term: 4 });
  await addPod('d');
  await expect(pods.label({ pod, term: 4 })).rejects.toMatchObject({ kind: 'invalid' });
  expect(await selected()).toBe('');
});
