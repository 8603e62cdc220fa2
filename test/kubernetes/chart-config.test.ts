import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anchorConfig, trainerConfig } from '@trikd/model-host/config';
import { loadConfig } from '@trikd/process/config';
import { admissionOf } from '@trikd/process/data-settings';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { OrchestratorConfig } from '../../services/orchestrator/src/config.js';
import type { NewJobSet } from '../../services/orchestrator/src/placement/jobset/template.js';
import { fileIn, filesIn, find, jobSetsOf, objectsIn, PodTemplate, render, SETS } from './chart.js';

const scratch = mkdtempSync(join(tmpdir(), 'trikd-config-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const Env = z.array(
  z.looseObject({
    name: z.string(),
    value: z.string().optional(),
    valueFrom: z.object({ fieldRef: z.object({ fieldPath: z.string() }) }).optional(),
  }),
);

/** The configuration in the annotations of a pod, which it reads as a file. */
function configIn({ spec }: NewJobSet, role: string): unknown {
  const pod = spec.replicatedJobs.find(({ name }) => name === role)?.template.spec.template;
  return parse(pod?.metadata.annotations['trikd.dev/config'] ?? '');
}

describe.each(SETS)('with the values of ci/%s-values.yaml', (set) => {
  const objects = objectsIn(render(set));

  test('the orchestrator accepts its configuration', () => {
    const config = OrchestratorConfig.parse(fileIn(objects, '-orchestrator', 'config.yaml'));
    expect(config.placement).toMatchObject({ kind: 'jobset', instance: 'trikd', templates: '/etc/trikd/placement' });
    expect(config.store).toMatchObject({ kind: 's3', accessKeyFile: '/etc/trikd/store/accessKey' });
  });

  test('the orchestrator accepts its environment, and finds its own pods by it', () => {
    const deployment = find(objects, 'Deployment', '-orchestrator');
    const { template } = z.object({ template: PodTemplate }).parse(deployment['spec']);
    const env = Env.parse(template.spec.containers[0]!['env']).filter(({ name }) => name.startsWith('TRIKD_LEADER'));
    const file = join(mkdtempSync(join(scratch, set)), 'config.yaml');
    writeFileSync(file, filesIn(objects, '-orchestrator')['config.yaml']!);
    // A field of the pod has the name of the field for a value.
    const variables = env.map(({ name, value, valueFrom }) => [name, value ?? valueFrom?.fieldRef.fieldPath]);
    const { leaderLabel } = loadConfig(OrchestratorConfig, Object.fromEntries(variables), file);
    expect(leaderLabel).toMatchObject({ pod: 'metadata.name', namespace: 'metadata.namespace' });
    const labels = Object.entries(template.metadata.labels).map(([name, value]) => `${name}=${value}`);
    expect(labels).toEqual(expect.arrayContaining(leaderLabel!.selector.split(',')));
  });

  test('the model services accept theirs, which their pods carry', () => {
    for (const jobSet of jobSetsOf(objects).values()) {
      for (const { name } of jobSet.spec.replicatedJobs) {
        const schema = name === 'anchor' ? anchorConfig() : trainerConfig(name);
        expect(schema.parse(configIn(jobSet, name))).toMatchObject({
          health: { listen: expect.stringMatching(/:50052$/) },
        });
      }
    }
  });

  test('servers of models accept theirs, where there are any', () => {
    const { http } = OrchestratorConfig.parse(fileIn(objects, '-orchestrator', 'config.yaml'));
    const expected = { full: 'kd-serving.training.svc:8001' }[set];
    expect(http.inference).toBe(expected);
    if (!objects.some(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name?.endsWith('-serving'))) return;
    const { serving } = anchorConfig().parse(fileIn(objects, '-serving', 'config.yaml'));
    expect(serving).toMatchObject({ alone: true, listen: expect.stringMatching(/:50051$/), http: expect.any(String) });
  });

  test('all services have the same store, the same limits on runs and the same data', () => {
    const orchestrator = OrchestratorConfig.parse(fileIn(objects, '-orchestrator', 'config.yaml'));
    const [jobSet] = jobSetsOf(objects).values();
    const models = anchorConfig().parse(configIn(jobSet!, 'anchor'));
    expect({ ...orchestrator.store, secretKey: undefined }).toEqual({ ...models.store, secretKey: undefined });
    expect(admissionOf(orchestrator)).toEqual(admissionOf(models));
    expect(orchestrator.tls?.trustDomain).toBe(models.tls?.trustDomain);
  });

  test('each class is a JobSet of a teacher, a student and an anchor, each with a port named grpc', () => {
    for (const { spec } of jobSetsOf(objects).values()) {
      expect(spec.replicatedJobs.map(({ name }) => name).sort()).toEqual(['anchor', 'student', 'teacher']);
      for (const { name, template } of spec.replicatedJobs) {
        const [container] = template.spec.template.spec.containers;
        expect(container!.ports, name).toContainEqual({ name: 'grpc', containerPort: 50051 });
      }
    }
  });
});

test('a setting that no service has is refused before anything is installed', () => {
  expect(() => render('trial', '--set', 'orchestrator.config.times.lesae=5')).toThrow(/lesae/);
  expect(() => render('trial', '--set', 'orchestrator.config.retries=-1')).toThrow(/retries/);
  expect(() => render('trial', '--set', 'admission.parms=5')).toThrow(/parms/);
});
