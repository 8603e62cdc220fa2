/** trikd in the cluster: the image, the chart with certificates and tokens, and the credentials that it needs. */
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'minio';
import { addStoreUsers, type StoreRole, type StoreUser, TEAM } from '../servers/minio-users.js';
import { helm } from './add-ons.js';
import { REGISTRY } from './addresses.js';
import type { KubernetesCluster } from './cluster.js';
import { pushArchive } from './images.js';
import { forward } from './port-forward.js';

export const NAMESPACE = 'trikd';
export const RUNS = 'trikd-runs';
/** Namespace of ServiceAccounts that stand for people; grace may do everything. */
export const PEOPLE = 'people';
export type Person = 'ada' | 'grace';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
/** Made by `make imagelayers`. */
const LAYERS = join(ROOT, 'build/image/cpu');
export const MAIN = join(ROOT, 'services/cli/dist/main.js');
export const CHART = join(ROOT, 'deploy/helm/trikd');
/** Its name in the registry. */
export const IMAGE = 'trikd:test';
const STORE = { accessKey: 'trikd', secretKey: 'trikd-in-this-cluster', bucket: 'trikd' };

const SERVICES = ['orchestrator', 'anchor-server', 'teacher-trainer', 'student-trainer'] as const;
const STORE_ROLES: readonly StoreRole[] = ['orchestrator', 'trainer', 'anchor-server'];

/** Values of the chart. Two runs fit into the quota of Kueue, a third one waits. */
export const VALUES = {
  image: { repository: `${REGISTRY}/trikd`, tag: 'test' },
  orchestrator: { resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: '1', memory: '512Mi' } } },
  classes: {
    cpu: Object.fromEntries(
      ['teacher', 'student', 'anchor'].map((role) => [
        role,
        { resources: { requests: { cpu: '300m', memory: '512Mi' }, limits: { cpu: '1', memory: '1Gi' } } },
      ]),
    ),
  },
  kueue: {
    enabled: true,
    createQueues: true,
    quota: { cpu: '1800m', memory: '8Gi' },
    priorityClasses: [{ from: 1, name: 'high', value: 1000 }],
    preemption: 'LowerPriority',
  },
  tls: {
    existingSecrets: {
      orchestrator: 'orchestrator-tls',
      anchorServer: 'anchor-server-tls',
      teacherTrainer: 'teacher-trainer-tls',
      studentTrainer: 'student-trainer-tls',
    },
  },
  oidc: {
    issuers: [
      {
        issuer: 'https://kubernetes.default.svc',
        audience: ['trikd'],
        admins: [`system:serviceaccount:${PEOPLE}:grace`],
      },
    ],
    // Kubernetes puts its authority into every namespace.
    caConfigMap: 'kube-root-ca.crt',
  },
  store: {
    endpoint: 'http://minio.minio:9000',
    bucket: STORE.bucket,
    prefix: TEAM,
    existingSecrets: {
      orchestrator: 'store-orchestrator',
      trainer: 'store-trainer',
      anchorServer: 'store-anchor-server',
    },
  },
  telemetry: { endpoint: 'http://otelcol.observers:4317', everySteps: 5 },
};

/** Pushes the image of trikd that `make imagelayers` has prepared. */
export async function pushImage(
  { folder, namespaces }: KubernetesCluster,
  report: (what: string) => void,
): Promise<void> {
  const archive = join(folder, 'trikd.tar');
  await promisify(execFile)(process.execPath, ['scripts/build-image.ts', 'archive', LAYERS, archive], { cwd: ROOT });
  pushArchive(namespaces, folder, archive, IMAGE);
  rmSync(archive);
  report('the registry has the image of trikd');
}

/** Installs trikd and waits until it serves. @returns the folder of the certificates */
export async function install(cluster: KubernetesCluster, report: (what: string) => void): Promise<string> {
  const { kubectl, folder } = cluster;
  await pushImage(cluster, report);
  const certs = join(folder, 'certs');
  await promisify(execFile)(process.execPath, [
    MAIN,
    'certs',
    'init',
    certs,
    '--host',
    `trikd-orchestrator.${NAMESPACE}.svc`,
  ]);
  for (const namespace of [NAMESPACE, PEOPLE]) await kubectl('create', 'namespace', namespace);
  for (const person of ['ada', 'grace']) await kubectl('create', 'serviceaccount', person, `--namespace=${PEOPLE}`);
  // Tokens are verified by people outside the cluster too, so its keys are public.
  const discovery = ['--clusterrole=system:service-account-issuer-discovery', '--group=system:unauthenticated'];
  await kubectl('create', 'clusterrolebinding', 'public-keys', ...discovery);
  const users = await addStore(cluster);
  await addSecrets(cluster, NAMESPACE, ['orchestrator'], ['orchestrator'], certs, users);
  await upgrade(cluster);
  await addSecrets(cluster, RUNS, SERVICES.slice(1), STORE_ROLES.slice(1), certs, users);
  report('trikd serves');
  return certs;
}

/** Installs the chart, or upgrades it to other values. */
export async function upgrade(
  cluster: Pick<KubernetesCluster, 'kubeconfig' | 'folder'>,
  values: object = VALUES,
): Promise<void> {
  const file = join(cluster.folder, 'values.json');
  writeFileSync(file, JSON.stringify(values));
  const place = ['trikd', CHART, '--namespace', NAMESPACE, '--values', file];
  await helm(cluster, 'upgrade', '--install', ...place, '--wait', '--timeout=300s');
}

/** Makes a bucket, and a user for each role. */
async function addStore(cluster: KubernetesCluster): Promise<Readonly<Record<StoreRole, StoreUser>>> {
  const { port, close } = await forward(cluster.kubeconfig, 'minio', 'service/minio', 9000);
  try {
    const { bucket, ...credentials } = STORE;
    const client = new Client({ endPoint: '127.0.0.1', port, useSSL: false, region: 'us-east-1', ...credentials });
    await client.makeBucket(bucket);
    return addStoreUsers({ port, ...credentials });
  } finally {
    close();
  }
}

async function addSecrets(
  { kubectl }: KubernetesCluster,
  namespace: string,
  services: readonly string[],
  roles: readonly StoreRole[],
  certs: string,
  users: Readonly<Record<StoreRole, StoreUser>>,
): Promise<void> {
  const create = (name: string, ...from: readonly string[]) =>
    kubectl('create', 'secret', 'generic', name, `--namespace=${namespace}`, ...from);
  for (const service of services) await create(`${service}-tls`, ...tlsFiles(certs, service));
  for (const role of roles) {
    const { accessKey, secretKey } = users[role];
    await create(`store-${role}`, `--from-literal=accessKey=${accessKey}`, `--from-literal=secretKey=${secretKey}`);
  }
}

/** Arguments by which kubectl puts the certificate of a service into a Secret. */
export function tlsFiles(certs: string, service: string): readonly string[] {
  return ['tls.crt', 'tls.key', 'ca.crt'].map((file) => `--from-file=${join(certs, service, file)}`);
}
