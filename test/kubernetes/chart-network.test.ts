import { ANCHOR_SERVICES } from '@trikd/model-host/anchor/anchor.module';
import { TRAINER_SERVICES } from '@trikd/model-host/trainer/trainer.module';
import { SERVICE_NAMES, type ServiceName } from '@trikd/process/service-process';
import { POLICY } from '@trikd/transport/access/policy';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { RUN_SERVICE } from '../../services/orchestrator/src/api/run-service.js';
import { find, jobSetsOf, objectsIn, PodTemplate, render, SETS } from './chart.js';
import { isAllowed, type Pod, policiesIn } from './network-policies.js';

const GRPC = 50_051;
const HEALTH = 50_052;
const HTTP = 8080;

/** The pods of all services, as a cluster has them. */
function podsOf(set: string): ReadonlyMap<ServiceName, Pod> {
  const objects = objectsIn(render(set));
  const deployment = find(objects, 'Deployment', '-orchestrator');
  const { spec } = z.looseObject({ spec: z.looseObject({ template: PodTemplate }) }).parse(deployment);
  const runs = find(objects, 'NetworkPolicy', '-teacher').metadata.namespace ?? '';
  const [jobSet] = jobSetsOf(objects).values();
  const orchestrator = podOf(deployment.metadata.namespace ?? '', spec.template);
  const models = jobSet!.spec.replicatedJobs.map(({ template }) =>
    podOf(runs, PodTemplate.parse(template.spec.template)),
  );
  return new Map(
    [orchestrator, ...models].map((pod) => [SERVICE_NAMES.find((name) => name === pod.serviceAccount)!, pod]),
  );
}

function podOf(namespace: string, { metadata, spec }: PodTemplate): Pod {
  const ports = new Map(spec.containers.flatMap((each) => each.ports).map((port) => [port.name, port.containerPort]));
  return { namespace, labels: metadata.labels, ports, serviceAccount: spec.serviceAccountName };
}

/** Methods that each service serves. */
const SERVED: Readonly<Record<ServiceName, Readonly<Record<string, object>>>> = {
  orchestrator: { 'trikd.v1.RunService': RUN_SERVICE },
  'anchor-server': ANCHOR_SERVICES,
  'teacher-trainer': TRAINER_SERVICES,
  'student-trainer': TRAINER_SERVICES,
};

/** Who may call whom, as the interceptor of all servers has it. Health checks and the names of callers are for everybody, and call nobody. */
function arrowsOfPolicy(): readonly string[] {
  const arrows = [...POLICY].flatMap(([path, rule]) => {
    if (typeof rule !== 'object') return [];
    const [, service = ''] = path.split('/');
    const callees = SERVICE_NAMES.filter((name) => Object.hasOwn(SERVED[name], service));
    // Replicas are pods of one role. Nobody else calls its own: the dashboard is in the process that it calls.
    const ofOwnRole = service === 'trikd.v1.ReplicaService';
    return rule.services.flatMap((caller) =>
      callees.filter((callee) => ofOwnRole || callee !== caller).map((callee) => `${caller} -> ${callee}`),
    );
  });
  return [...new Set(arrows)].sort();
}

/** Who reaches a port of whom. */
function arrowsOf(set: string, port: number): readonly string[] {
  const policies = policiesIn(objectsIn(render(set)));
  const pods = [...podsOf(set)];
  return pods
    .flatMap(([caller, from]) =>
      pods.filter(([, to]) => isAllowed(policies, from, to, port)).map(([callee]) => `${caller} -> ${callee}`),
    )
    .sort();
}

/** Where the cluster has its own policies, there are none. */
const GUARDED = SETS.filter((set) => policiesIn(objectsIn(render(set))).length > 0);

describe.each(GUARDED)('with the values of ci/%s-values.yaml', (set) => {
  test('a service reaches exactly those that it may call', () => {
    expect(arrowsOfPolicy()).toHaveLength(9);
    expect(arrowsOf(set, GRPC)).toEqual(arrowsOfPolicy());
  });

  test('no service reaches a port for probes, or the dashboard', () => {
    expect([...arrowsOf(set, HEALTH), ...arrowsOf(set, HTTP)]).toEqual([]);
  });

  test('a pod of another namespace reaches no model', () => {
    const policies = policiesIn(objectsIn(render(set)));
    const pods = podsOf(set);
    const stranger = { ...pods.get('teacher-trainer')!, namespace: 'elsewhere' };
    for (const [name, pod] of pods) {
      if (name !== 'orchestrator') expect(isAllowed(policies, stranger, pod, GRPC), name).toBe(false);
    }
  });

  test('a pod of the release or of a run that has no policy of its own reaches nothing', () => {
    const policies = policiesIn(objectsIn(render(set)));
    for (const [name, pod] of podsOf(set)) {
      const other = { ...pod, labels: { 'app.kubernetes.io/name': 'trikd', 'app.kubernetes.io/instance': 'trikd' } };
      for (const [, callee] of podsOf(set)) expect(isAllowed(policies, other, callee, GRPC), name).toBe(false);
    }
  });
});

test('policies are the rule', () => {
  expect(GUARDED.length).toBeGreaterThan(SETS.length / 2);
});
