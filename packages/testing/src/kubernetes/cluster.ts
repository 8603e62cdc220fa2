/** A Kubernetes of nodes on this machine: real pods of real images, in a network of their own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goTool } from '../servers/go-tool.js';
import { type Kubectl, kubectlOf } from '../servers/kubernetes.js';
import { kubernetesCredentials } from '../servers/kubernetes-credentials.js';
import { type Part, untilAnswer } from '../servers/until-answer.js';
import { API_PORT, CONTROL_PLANE, REGISTRY } from './addresses.js';
import { ADMIN, API_HOSTS, clusterUsers, startApiServer, startControllers } from './control-plane.js';
import { pushProgram, startRegistry } from './images.js';
import { addCgroups, addMounts, addNetwork } from './machine.js';
import { type Namespaces, namespaceProblem, openNamespaces } from './namespaces.js';
import { nodeName, startNode } from './node.js';
import { openRelay } from './relay.js';

export interface KubernetesCluster {
  /** File of a user who may do everything, for programs outside the cluster. */
  readonly kubeconfig: string;
  readonly kubectl: Kubectl;
  readonly namespaces: Namespaces;
  /** Everything that the cluster stores, its logs in `log` among it. */
  readonly folder: string;
  readonly nodes: readonly string[];
  /** Folder of iptables and others. */
  readonly runtime: string;
  /** Ends all of it, and removes what it stored. */
  stop(): Promise<void>;
}

export interface KubernetesClusterOptions {
  /** Default 2: a pod whose node is drained has another one. */
  readonly nodes?: number;
  /** Gets a line for each part that has started. */
  readonly report?: (what: string) => void;
  /** Ends an attempt to start. */
  readonly signal?: AbortSignal;
}

/** What the cluster and its add-ons are made of. */
const TOOLS = ['pause', 'crane', 'kubernetes', 'coredns', 'helm', 'jobset', 'jobset-chart', 'kueue', 'kueue-chart'];

/** Starts one, in about half a minute. @throws with the last words of a part that ended */
export async function startKubernetesCluster(options: KubernetesClusterOptions = {}): Promise<KubernetesCluster> {
  const { nodes: count = 2, report = () => undefined, signal } = options;
  const problem = namespaceProblem();
  if (problem !== undefined) throw new Error(`a cluster cannot be started: ${problem}`);
  // Before anything waits for them: some take minutes to build.
  const runtime = containerRuntime();
  for (const tool of TOOLS) goTool(tool);
  const folder = mkdtempSync(join(tmpdir(), 'trikd-cluster-'));
  const nodes = Array.from({ length: count }, (_, index) => nodeName(index + 1));
  const endings: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const end of endings.splice(0).reverse()) await end();
  };
  const until = (ask: () => unknown, parts: readonly Part[]) => untilAnswer(ask, parts, signal);
  try {
    endings.push(addCgroups(basename(folder), nodes));
    const namespaces = await openNamespaces(folder, runtime);
    endings.push(() => namespaces.close());
    addMounts(namespaces, folder);
    addNetwork(namespaces, count);
    const relay = await openRelay(namespaces, folder, `${CONTROL_PLANE}:${API_PORT}`);
    endings.push(() => relay.kill());
    const credentials = await kubernetesCredentials(join(folder, 'credentials'), API_HOSTS, clusterUsers(nodes));

    const registry = startRegistry(namespaces, folder);
    const api = startApiServer(namespaces, folder, credentials);
    const kubeconfig = credentials.kubeconfig(ADMIN, `https://127.0.0.1:${relay.port}`);
    const kubectl = kubectlOf(kubeconfig);
    await until(() => namespaces.run(goTool('crane'), 'catalog', REGISTRY), [registry]);
    pushProgram(namespaces, folder, { program: goTool('pause'), file: 'pause', image: 'pause:1' });
    await until(() => kubectl('get', '--raw', '/readyz'), api);
    report('the API server answers');
    const controllers = startControllers(namespaces, folder, credentials);
    const parts = nodes.flatMap((_, index) =>
      startNode(namespaces, { number: index + 1, folder, runtime, cgroup: basename(folder), credentials }),
    );
    const all = [registry, ...api, ...controllers, ...parts];
    for (const node of nodes) {
      await until(() => kubectl('wait', '--for=condition=Ready', `node/${node}`, '--timeout=1s'), all);
    }
    await until(() => kubectl('get', 'serviceaccount', 'default'), all);
    report(`${nodes.join(' and ')} ${count === 1 ? 'is' : 'are'} ready`);
    return { kubeconfig, kubectl, namespaces, folder, nodes, runtime, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The folder of containerd and its like. @throws when it cannot be had */
function containerRuntime(): string {
  const script = fileURLToPath(new URL('../../../../scripts/fetch-container-runtime.py', import.meta.url));
  const { status, stdout } = spawnSync('python3', [script], { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  if (status !== 0) throw new Error('the container runtime cannot be had');
  return stdout.trim();
}
