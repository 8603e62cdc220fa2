import { join } from 'node:path';
import { goTool } from '@trikd/testing/servers/go-tool';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CHART, find, helm, jobSetsOf, type KubernetesObject, NAMESPACE, objectsIn, render, SETS } from './chart.js';
import { kubeconfig, kubectl } from './kubernetes.js';

/** Definitions of the kinds that values may ask for, beside those of JobSet and Kueue. */
const DEFINITIONS = [
  ['cert-manager-crds', 'cert-manager.io_certificates'],
  ['gateway-crds', 'gateway.networking.k8s.io_grpcroutes'],
  ['gateway-crds', 'gateway.networking.k8s.io_backendtlspolicies'],
  ['prometheus-crds', 'monitoring.coreos.com_prometheusrules'],
  ['prometheus-crds', 'monitoring.coreos.com_servicemonitors'],
] as const;

/** The namespace of the runs in the values that leave it to somebody else, with what they expect of it. */
const TRAINING = 'training';
const RESTRICTED = 'restricted';
const SERVICES = ['orchestrator', 'anchor-server', 'teacher-trainer', 'student-trainer', 'default'];

beforeAll(async () => {
  for (const [tool, name] of DEFINITIONS) {
    await kubectl('apply', '--server-side', '-f', join(goTool(tool), `${name}.yaml`));
  }
  await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
  await apply([
    namespace(NAMESPACE),
    ...[TRAINING, RESTRICTED].map((name) => namespace(name, { 'pod-security.kubernetes.io/enforce': 'restricted' })),
    serviceAccount('default', NAMESPACE),
    ...[TRAINING, RESTRICTED].flatMap((each) => SERVICES.map((name) => serviceAccount(name, each))),
    { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'training' }, value: 1 },
    { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'nvidia' }, handler: 'nvidia' },
  ]);
});

function namespace(name: string, labels: Readonly<Record<string, string>> = {}) {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

function serviceAccount(name: string, inNamespace: string) {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: inNamespace } };
}

function apply(objects: readonly object[], ...args: readonly string[]): Promise<string> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  const strict = ['apply', '--server-side', '--force-conflicts', '--validate=strict'];
  return kubectl(...strict, ...args, '-f', '-', { input });
}

const PodSpec = z.looseObject({ containers: z.array(z.looseObject({})).min(1) });
const Workload = z.looseObject({ spec: z.looseObject({ template: z.looseObject({ spec: PodSpec }) }) });

/** The pods of an installation and of a run of each class. */
function podsOf(objects: readonly KubernetesObject[]) {
  const specs = objects.flatMap((object) => {
    if (object.kind === 'Pod') return [[object.metadata.name, PodSpec.parse(object['spec'])] as const];
    return object.kind === 'Deployment'
      ? [[object.metadata.name, Workload.parse(object).spec.template.spec] as const]
      : [];
  });
  const ofRuns = [...jobSetsOf(objects)].flatMap(([name, { spec }]) =>
    spec.replicatedJobs.map((each) => [`${name}-${each.name}`, each.template.spec.template.spec] as const),
  );
  return [...specs, ...ofRuns].map(([name, { restartPolicy: _, ...spec }]) => ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: RESTRICTED } },
    // Of a class that only the namespace of the system may use.
    spec: { ...spec, ...(spec.priorityClassName === 'system-cluster-critical' && { priorityClassName: 'training' }) },
  }));
}

describe.each(SETS)('with the values of ci/%s-values.yaml', (set) => {
  const objects = objectsIn(render(set));

  test('the API server accepts every object, and the JobSets of its classes', async () => {
    await apply(objects.filter(({ kind }) => kind === 'Namespace' || kind === 'ServiceAccount'));
    const all = [...objects, ...jobSetsOf(objects).values()];
    const applied = await apply(all, '--dry-run=server');
    expect(applied.match(/ serverside-applied/g)).toHaveLength(all.length);
  });

  test('every pod is admitted where pods have to be restricted', async () => {
    const pods = podsOf(objects);
    expect(pods.length).toBeGreaterThan(4);
    expect((await apply(pods, '--dry-run=server')).match(/ serverside-applied/g)).toHaveLength(pods.length);
  });
});

test.each([
  ['runs as root', { runAsUser: 0, runAsNonRoot: false }],
  ['keeps its capabilities', { capabilities: {} }],
  ['may get more rights', { allowPrivilegeEscalation: true }],
])('a pod of a run that %s is refused', async (_, change) => {
  const pod = podsOf(objectsIn(render('trial'))).at(-1)!;
  const [container] = pod.spec.containers;
  const securityContext = { ...z.looseObject({}).parse(container!['securityContext']), ...change };
  const changed = { ...pod, spec: { ...pod.spec, containers: [{ ...container, securityContext }] } };
  await expect(apply([changed], '--dry-run=server')).rejects.toThrow('violates PodSecurity "restricted:latest"');
});

test('an object with a field that there is not is refused', async () => {
  const jobSet = [...jobSetsOf(objectsIn(render('trial'))).values()][0]!;
  const changed = { ...jobSet, spec: { ...jobSet.spec, retries: 3 } };
  await expect(apply([changed], '--dry-run=server')).rejects.toThrow('retries');
});

test('a release is installed, upgraded and uninstalled', async () => {
  const release = ['kd', CHART, '--namespace', 'kd', '--kubeconfig', kubeconfig()];
  const values = ['--values', join(CHART, 'ci', 'trial-values.yaml')];
  helm('install', ...release, '--create-namespace', ...values);
  const namespaceOfRuns = await kubectl('get', 'namespace', 'kd-runs', '-o', 'jsonpath={.metadata.labels}');
  expect(namespaceOfRuns).toContain('"pod-security.kubernetes.io/enforce":"restricted"');
  helm('upgrade', ...release, ...values, '--set', 'orchestrator.replicas=3', '--set', 'networkPolicy.enabled=false');
  const replicas = await kubectl('-n', 'kd', 'get', 'deployment', 'kd-orchestrator', '-o', 'jsonpath={.spec.replicas}');
  expect(replicas).toBe('3');
  for (const each of ['kd', 'kd-runs'])
    expect(await kubectl('-n', each, 'get', 'networkpolicies', '-o', 'name')).toBe('');
  helm('uninstall', 'kd', '--namespace', 'kd', '--kubeconfig', kubeconfig());
  expect(await kubectl('-n', 'kd', 'get', 'deployments,services,configmaps', '-o', 'name')).toBe('');
});

describe('the ServiceAccounts', () => {
  const objects = objectsIn(render('full'));
  const runs = find(objects, 'Role', '-placement').metadata.namespace ?? '';
  const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
  const RESOURCES = [
    ...['pods', 'pods/exec', 'pods/log', 'pods/attach', 'pods/portforward', 'pods/eviction', 'secrets', 'configmaps'],
    ...['serviceaccounts', 'serviceaccounts/token', 'events', 'services', 'persistentvolumeclaims'],
    ...['batch/jobs', 'apps/deployments', 'jobset.x-k8s.io/jobsets', 'jobset.x-k8s.io/jobsets/status'],
    ...['kueue.x-k8s.io/workloads', 'kueue.x-k8s.io/localqueues', 'networking.k8s.io/networkpolicies'],
    ...['rbac.authorization.k8s.io/roles', 'rbac.authorization.k8s.io/rolebindings', 'coordination.k8s.io/leases'],
  ];

  /** What is printed of a review. */
  const REVIEW = '{.spec.resourceAttributes.verb} {.spec.resourceAttributes.resource} {.status.allowed}{"\\n"}';

  /** What a ServiceAccount may do in a namespace, as `kubectl auth can-i` asks it. */
  async function rightsOf(account: string, home: string, inNamespace: string): Promise<readonly string[]> {
    const reviews = RESOURCES.flatMap((path) =>
      VERBS.map((verb) => ({
        ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: {} },
        spec: {
          user: `system:serviceaccount:${home}:${account}`,
          groups: ['system:serviceaccounts', `system:serviceaccounts:${home}`, 'system:authenticated'],
          resourceAttributes: { namespace: inNamespace, verb, ...resourceOf(path) },
        },
      })),
    );
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: reviews });
    const said = await kubectl('create', '-o', `jsonpath=${REVIEW}`, '-f', '-', { input });
    const lines = said.trim().split('\n');
    expect(lines).toHaveLength(reviews.length);
    return lines.flatMap((line) => (line.endsWith(' true') ? [line.replace(/ true$/, '')] : [])).sort();
  }

  function resourceOf(path: string) {
    const [group, name = ''] = path.includes('.') || /^(batch|apps)\//.test(path) ? split(path) : ['', path];
    const [resource, subresource] = name.split('/');
    return { group, resource, ...(subresource !== undefined && { subresource }) };
  }

  function split(path: string): readonly [string, string] {
    const slash = path.indexOf('/');
    return [path.slice(0, slash), path.slice(slash + 1)];
  }

  beforeAll(() => apply(objects.filter(({ kind }) => kind === 'Role' || kind === 'RoleBinding')));

  test('the orchestrator may create JobSets where runs are, and look at what becomes of them', async () => {
    expect(await rightsOf('orchestrator', NAMESPACE, runs)).toEqual(
      [
        ...['create', 'delete', 'get', 'list', 'watch'].map((verb) => `${verb} jobsets`),
        ...['get', 'list', 'watch'].map((verb) => `${verb} pods`),
        ...['get', 'list', 'watch'].map((verb) => `${verb} workloads`),
      ].sort(),
    );
  });

  test('the orchestrator may label the pods beside its own', async () => {
    expect(await rightsOf('orchestrator', NAMESPACE, NAMESPACE)).toEqual(['list pods', 'patch pods']);
  });

  test.each(['default', 'kube-system'])('the orchestrator may do nothing in the namespace %s', async (other) => {
    expect(await rightsOf('orchestrator', NAMESPACE, other)).toEqual([]);
  });

  test.each(['anchor-server', 'teacher-trainer', 'student-trainer'])('the %s may do nothing', async (service) => {
    expect(await rightsOf(service, runs, runs)).toEqual([]);
  });
});
