/** The API of Kubernetes as child processes: etcd and an API server, without nodes and without controllers. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outputOf } from '../processes/output-of.js';
import { type ChildServer, controlOf, freePort, hasEnded, wordsOf } from './child-server.js';
import { goTool } from './go-tool.js';
import { apiServerCommand, etcdCommand, kubernetesPart } from './kubernetes-commands.js';
import { kubernetesCredentials } from './kubernetes-credentials.js';
import { type Part, untilAnswer } from './until-answer.js';

/** Arguments of kubectl; the last one may say what it reads from its standard input. */
export type KubectlArgs = readonly string[] | readonly [...string[], { readonly input: string }];

/** Calls kubectl. Resolves with its output. @throws with its message */
export type Kubectl = (...args: KubectlArgs) => Promise<string>;

/**
 * An API server that stores, validates, admits (Pod Security too) and authorizes, with the custom resource definitions of JobSet
 * and Kueue. Nothing acts on what it stores: no pod is made, and a namespace that is deleted stays in the phase Terminating. Pods
 * need a ServiceAccount of their own, since namespaces get no default one.
 */
export interface Kubernetes {
  /** Such as https://127.0.0.1:6443. */
  readonly url: string;
  /** File of a user who may do everything. To act as a ServiceAccount: `kubectl --as system:serviceaccount:NAMESPACE:NAME`. */
  readonly kubeconfig: string;
  readonly kubectl: Kubectl;
  /** Ends it. What it stored is lost. */
  stop(): Promise<void>;
}

const ADMIN = 'admin';

/** Starts one, in seconds. @throws when it does not become ready, with its last words */
export async function startKubernetes(): Promise<Kubernetes> {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-kubernetes-'));
  const [port, etcdPort, peerPort] = [await freePort(), await freePort(), await freePort()];
  const url = `https://127.0.0.1:${port}`;
  const credentials = await kubernetesCredentials(join(folder, 'credentials'), ['localhost', '127.0.0.1'], {
    [ADMIN]: ['system:masters'],
  });
  const kubeconfig = credentials.kubeconfig(ADMIN, url);
  const kubectl = kubectlOf(kubeconfig);
  const etcd = launch(etcdCommand({ folder: join(folder, 'etcd'), port: etcdPort, peerPort }));
  const apiServer = launch(
    apiServerCommand(etcdPort, [
      ...credentials.args,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      // Nothing in a cluster looks for it.
      '--endpoint-reconciler-type=none',
    ]),
  );
  const stop = async () => {
    // By force: told to end, an API server first waits for its watches.
    await apiServer.kill();
    await etcd.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilAnswer(() => kubectl('get', '--raw', '/readyz'), [etcd, apiServer]);
    await addDefinitions(kubectl);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, kubeconfig, kubectl, stop };
}

/** The kubectl of a user. */
export function kubectlOf(kubeconfig: string): Kubectl {
  const program = kubernetesPart('kubectl');
  return async (...args) => {
    const last = args.at(-1);
    const input = typeof last === 'object' ? last.input : '';
    const words = args.flatMap((arg) => (typeof arg === 'string' ? [arg] : []));
    return outputOf(`kubectl ${words.join(' ')}`, program, [`--kubeconfig=${kubeconfig}`, ...words], {
      // Its cache of what the server offers would lie in the user's home.
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', KUBECACHEDIR: `${kubeconfig}.cache` },
      input,
    });
  };
}

interface Launched extends ChildServer, Part {}

function launch([program = '', ...args]: readonly string[]): Launched {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  return { name: program, words: wordsOf(child), gone: () => hasEnded(child), ...controlOf(child) };
}

async function addDefinitions(kubectl: Kubectl): Promise<void> {
  // By the server: they are too large for the annotation that kubectl keeps by itself.
  for (const tool of ['jobset-crds', 'kueue-crds']) await kubectl('apply', '--server-side', '-f', goTool(tool));
  await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
}
