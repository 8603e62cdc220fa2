import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@trikd/process/logging';
import { openStore } from '@trikd/store/open-store';
import { specFor } from '@trikd/testing/specs/spec-for';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { OrchestratorConfig } from '../../services/orchestrator/src/config.js';
import { nameOf } from '../../services/orchestrator/src/placement/jobset/objects.js';
import { type OrchestratorService, orchestratorService } from '../../services/orchestrator/src/service.js';
import { CHART, fileIn, filesIn, find, helm, type KubernetesObject, objectsIn, RELEASE, render } from './chart.js';
import { kubeconfig, kubectl } from './kubernetes.js';

const folder = mkdtempSync(join(tmpdir(), 'trikd-installed-'));
const QUEUE = ['--set', 'kueue.enabled=true'];
/** Other files apply the objects of the release in its own namespaces. */
const NAMESPACE = 'installed';
const OBJECTS = objectsIn(render('trial', ...QUEUE, '--namespace', NAMESPACE));
const JOB_SET = nameOf({ runId: 'tiny', number: 1 }, RELEASE);

let first: OrchestratorService;
let second: OrchestratorService | undefined;

/** Orchestrators with what is installed for them, as their own ServiceAccount. Their store is a folder. */
beforeAll(async () => {
  const release = [RELEASE, CHART, '--namespace', NAMESPACE, '--create-namespace', '--kubeconfig', kubeconfig()];
  helm('install', ...release, '--values', join(CHART, 'ci', 'trial-values.yaml'), ...QUEUE);
  await inRelease('create', 'serviceaccount', 'default');
  const templates = join(folder, 'placement');
  mkdirSync(templates);
  for (const [file, text] of Object.entries(filesIn(OBJECTS, '-placement'))) writeFileSync(join(templates, file), text);
  first = await start('trikd-orchestrator-1');
});

afterAll(async () => {
  for (const service of [first, second]) await service?.stop();
  rmSync(folder, { recursive: true });
});

/** An orchestrator, with a pod of its own that Kubernetes only stores. */
async function start(pod: string): Promise<OrchestratorService> {
  await addPod(pod, find(OBJECTS, 'Service', '-orchestrators'));
  const token = await inRelease('create', 'token', 'orchestrator');
  const config = OrchestratorConfig.parse({
    ...z.looseObject({}).parse(fileIn(OBJECTS, '-orchestrator', 'config.yaml')),
    store: { kind: 'folder', path: join(folder, 'store') },
    events: join(folder, pod, 'events'),
    leaderLabel: { namespace: NAMESPACE, pod, selector: 'app.kubernetes.io/component=orchestrator' },
    placement: placementIn(fileIn(OBJECTS, '-orchestrator', 'config.yaml'), kubeconfigOf(token.trim())),
  });
  return orchestratorService(config, await openStore(config.store), createLogger({ level: 'silent' }, 'orchestrator'));
}

function placementIn(config: unknown, kubeconfig: string): object {
  const { placement } = z.looseObject({ placement: z.looseObject({}) }).parse(config);
  return { ...placement, templates: join(folder, 'placement'), kubernetes: { kubeconfig } };
}

/** The kubeconfig of a token. */
function kubeconfigOf(token: string): string {
  const Config = z.looseObject({ users: z.array(z.looseObject({ name: z.string() })) });
  const config = Config.parse(JSON.parse(readFileSync(kubeconfig(), 'utf8')));
  const path = join(folder, 'kubeconfig');
  const users = config.users.map(({ name }) => ({ name, user: { token } }));
  writeFileSync(path, JSON.stringify({ ...config, users }), { mode: 0o600 });
  return path;
}

/** A pod that a Service selects. */
async function addPod(name: string, service: KubernetesObject): Promise<void> {
  const spec = { containers: [{ name: 'orchestrator', image: 'trikd' }] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: selectorOf(service) }, spec };
  await kubectl('--namespace', NAMESPACE, 'create', '-f', '-', { input: JSON.stringify(pod) });
}

function selectorOf(service: KubernetesObject): Readonly<Record<string, string>> {
  return z.object({ selector: z.record(z.string(), z.string()) }).parse(service['spec']).selector;
}

/** The pods that the Service of the leader selects. */
function podsOfLeader(): Promise<string> {
  const selector = Object.entries(selectorOf(find(OBJECTS, 'Service', '-orchestrator')));
  const text = selector.map(([label, value]) => `${label}=${value}`).join(',');
  return inRelease('get', 'pods', '--selector', text, '--output', 'name');
}

const inRelease = (...args: readonly string[]) => kubectl('--namespace', NAMESPACE, ...args);
const inRuns = (...args: readonly string[]) => kubectl('--namespace', `${NAMESPACE}-runs`, ...args);

test('what the chart installs is enough for a run to get its JobSet, and to lose it when it ends', async () => {
  await first.orchestrator.create({ spec: specFor('tiny', { name: 'tiny' }) });
  await inRuns('wait', '--for=create', `jobset/${JOB_SET}`, '--timeout=60s');
  const stored = await inRuns('get', 'jobset', JOB_SET, '-o', 'jsonpath={.metadata.labels} {.spec.suspend}');
  expect(stored).toContain('"kueue.x-k8s.io/queue-name":"trikd"');
  expect(stored).toMatch(/ true$/);
  await first.orchestrator.steer('tiny', { kind: 'cancelled' });
  // Without controllers nothing ends what is being deleted.
  await inRuns('wait', '--for=jsonpath={.metadata.deletionTimestamp}', `jobset/${JOB_SET}`, '--timeout=60s');
});

const isFound = (pod: string) => vi.waitFor(async () => expect(await podsOfLeader()).toBe(`pod/${pod}\n`), 20_000);

test('the Service finds the orchestrator that leads, and none when none does', async () => {
  await isFound('trikd-orchestrator-1');
  second = await start('trikd-orchestrator-2');
  await second.orchestrator.create({ spec: specFor('tiny', { name: 'seized' }), takeOver: true });
  await isFound('trikd-orchestrator-2');
  await second.stop();
  await isFound('trikd-orchestrator-1');
  await first.stop();
  expect(await podsOfLeader()).toBe('');
});
