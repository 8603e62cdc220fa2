import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@trikd/process/logging';
import { openStore } from '@trikd/store/open-store';
import { type Kubernetes, startKubernetes } from '@trikd/testing/servers/kubernetes';
import { specFor } from '@trikd/testing/specs/spec-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { OrchestratorConfig } from '../../services/orchestrator/src/config.js';
import { nameOf } from '../../services/orchestrator/src/placement/jobset/names.js';
import { type OrchestratorService, orchestratorService } from '../../services/orchestrator/src/service.js';
import { CHART, fileIn, filesIn, helm, objectsIn, RELEASE, render } from './chart.js';

const folder = mkdtempSync(join(tmpdir(), 'trikd-installed-'));
const QUEUE = ['--set', 'kueue.enabled=true'];
const JOB_SET = nameOf({ runId: 'tiny', number: 1 }, RELEASE);

let kubernetes: Kubernetes;
let service: OrchestratorService;

/** An orchestrator with what is installed for it, as its own ServiceAccount. Its store is a folder. */
beforeAll(async () => {
  kubernetes = await startKubernetes();
  const release = [RELEASE, CHART, '--namespace', 'trikd', '--create-namespace', '--kubeconfig', kubernetes.kubeconfig];
  helm('install', ...release, '--values', join(CHART, 'ci', 'trial-values.yaml'), ...QUEUE);
  const token = await kubernetes.kubectl('--namespace', 'trikd', 'create', 'token', 'orchestrator');
  const objects = objectsIn(render('trial', ...QUEUE));
  const config = OrchestratorConfig.parse({
    ...z.looseObject({}).parse(fileIn(objects, '-orchestrator', 'config.yaml')),
    store: { kind: 'folder', path: join(folder, 'store') },
    events: join(folder, 'events'),
    placement: placementIn(fileIn(objects, '-orchestrator', 'config.yaml'), kubeconfigOf(token.trim())),
  });
  const templates = join(folder, 'placement');
  mkdirSync(templates);
  for (const [file, text] of Object.entries(filesIn(objects, '-placement'))) writeFileSync(join(templates, file), text);
  service = orchestratorService(
    config,
    await openStore(config.store),
    createLogger({ level: 'silent' }, 'orchestrator'),
  );
});

afterAll(async () => {
  await service?.stop();
  await kubernetes?.stop();
  rmSync(folder, { recursive: true });
});

function placementIn(config: unknown, kubeconfig: string): object {
  const { placement } = z.looseObject({ placement: z.looseObject({}) }).parse(config);
  return { ...placement, templates: join(folder, 'placement'), kubernetes: { kubeconfig } };
}

/** The kubeconfig of a token. */
function kubeconfigOf(token: string): string {
  const Config = z.looseObject({ users: z.array(z.looseObject({ name: z.string() })) });
  const config = Config.parse(JSON.parse(readFileSync(kubernetes.kubeconfig, 'utf8')));
  const path = join(folder, 'kubeconfig');
  const users = config.users.map(({ name }) => ({ name, user: { token } }));
  writeFileSync(path, JSON.stringify({ ...config, users }), { mode: 0o600 });
  return path;
}

const inRuns = (...args: readonly string[]) => kubernetes.kubectl('--namespace', 'trikd-runs', ...args);

test('what the chart installs is enough for a run to get its JobSet, and to lose it when it ends', async () => {
  await service.orchestrator.create({ spec: specFor('tiny', { name: 'tiny' }) });
  await inRuns('wait', '--for=create', `jobset/${JOB_SET}`, '--timeout=60s');
  const stored = await inRuns('get', 'jobset', JOB_SET, '-o', 'jsonpath={.metadata.labels} {.spec.suspend}');
  expect(stored).toContain('"kueue.x-k8s.io/queue-name":"trikd"');
  expect(stored).toMatch(/ true$/);
  await service.orchestrator.steer('tiny', { kind: 'cancelled' });
  // Without controllers nothing ends what is being deleted.
  await inRuns('wait', '--for=jsonpath={.metadata.deletionTimestamp}', `jobset/${JOB_SET}`, '--timeout=60s');
});
