/** What a cluster of ours has besides Kubernetes: controllers from their charts, an object store, a collector and a Jaeger. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outputOf } from '../processes/output-of.js';
import { goTool } from '../servers/go-tool.js';
import { REGISTRY } from './addresses.js';
import type { KubernetesCluster } from './cluster.js';
import { pushProgram } from './images.js';

const manifest = (name: string) =>
  fileURLToPath(new URL(`../../../../test/cluster/manifests/${name}.yaml`, import.meta.url));
const config = (name: string) => fileURLToPath(new URL(`../../../../deploy/${name}`, import.meta.url));
const TAG = 'test';
/** Little of two cores: training needs them. */
const RESOURCES = { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '512Mi' } };

/** Calls helm before the cluster. Resolves with its output. @throws with its message */
export async function helm(
  { kubeconfig, folder }: Pick<KubernetesCluster, 'kubeconfig' | 'folder'>,
  ...args: readonly string[]
): Promise<string> {
  return outputOf(`helm ${args.slice(0, 2).join(' ')}`, goTool('helm'), args, {
    env: { PATH: process.env['PATH'], KUBECONFIG: kubeconfig, HOME: join(folder, 'helm') },
  });
}

/** Installs JobSet and Kueue, and waits until their webhooks answer. */
export async function addControllers(cluster: KubernetesCluster, report: (what: string) => void): Promise<void> {
  for (const name of ['jobset', 'kueue']) push(cluster, name, 'manager');
  await install(cluster, 'jobset', {
    image: { repository: `${REGISTRY}/jobset`, tag: TAG, pullPolicy: 'IfNotPresent' },
    controller: { resources: RESOURCES },
  });
  report('JobSet is there');
  await install(cluster, 'kueue', {
    controllerManager: {
      readinessProbe: { initialDelaySeconds: 1 },
      manager: {
        image: { repository: `${REGISTRY}/kueue`, tag: TAG, pullPolicy: 'IfNotPresent' },
        resources: RESOURCES,
      },
    },
  });
  report('Kueue is there');
}

/** Starts a MinIO, a collector and a Jaeger: minio.minio:9000, otelcol.observers:4317, jaeger.observers:16686. */
export async function addServers(cluster: KubernetesCluster, report: (what: string) => void): Promise<void> {
  const { kubectl } = cluster;
  for (const name of ['minio', 'otelcol', 'jaeger']) push(cluster, name, name);
  await kubectl('create', 'namespace', 'observers');
  const files = ['otel-collector.yaml', 'jaeger.yaml'].map((file) => `--from-file=${config(file)}`);
  await kubectl('create', 'configmap', 'observers', '--namespace=observers', ...files);
  for (const name of ['minio', 'observers']) {
    await kubectl('apply', '--filename', manifest(name));
    await kubectl('wait', '--for=condition=Available', 'deployments', '--all', `--namespace=${name}`, '--timeout=120s');
  }
  report('MinIO, the collector and Jaeger are there');
}

/** Pushes what a trial of trikd starts by itself, where it looks for it. @returns references of the images */
export function pushTrialImages(cluster: KubernetesCluster, report: (what: string) => void): readonly string[] {
  push(cluster, 'minio', 'usr/bin/minio');
  // Else it listens where only its own pod can call it. Its official image says so too.
  push(cluster, 'jaeger', 'jaeger', ['JAEGER_LISTEN_HOST=0.0.0.0']);
  report('the registry has MinIO and Jaeger');
  return ['minio', 'jaeger'].map((name) => `${REGISTRY}/${name}:${TAG}`);
}

function push(
  { namespaces, folder }: KubernetesCluster,
  name: string,
  file: string,
  env: readonly string[] = [],
): void {
  pushProgram(namespaces, folder, { program: goTool(name), file, image: `${name}:${TAG}`, env });
}

/** Installs the chart of a controller in a namespace of its name. */
async function install(cluster: KubernetesCluster, name: string, values: object): Promise<void> {
  const namespace = ['--namespace', `${name}-system`, '--create-namespace'];
  const set = Object.entries(values).map(([key, value]) => `--set-json=${key}=${JSON.stringify(value)}`);
  await helm(cluster, 'install', name, goTool(`${name}-chart`), ...namespace, ...set, '--wait', '--timeout=180s');
}
