/**
 * Runs a Kubernetes on this machine until Ctrl-C, with JobSet and Kueue, and with trikd, an object store, a collector and a Jaeger in
 * it. With --bare they are left to you: the registry has their images, and docs/kubernetes.md says how to install them.
 *
 * usage: node scripts/run-cluster.ts [--bare]
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBareCluster, startInstalledCluster } from '@trikd/testing/kubernetes/installed-cluster';

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interruption.abort());
const stop = await (process.argv.includes('--bare') ? bare() : installed()).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return process.exit(1);
});
if (!interruption.signal.aborted) await once(interruption.signal, 'abort');
console.log('ending the cluster');
await stop();

async function bare(): Promise<() => Promise<void>> {
  const { cluster, images } = await startBareCluster((line) => console.log(line), interruption.signal);
  const [trikd = '', minio = '', jaeger = ''] = images;
  const parts = (reference: string) => {
    const colon = reference.lastIndexOf(':');
    return `{ repository: ${reference.slice(0, colon)}, tag: ${reference.slice(colon + 1)} }`;
  };
  console.log(`
The cluster runs until Ctrl-C, with JobSet and Kueue. To use it from another terminal:

  export KUBECONFIG=${cluster.kubeconfig}
  kubectl get pods --all-namespaces

Nothing is pulled from elsewhere. For docs/kubernetes.md, from 'A trial' on, the registry of the cluster has

  image: ${parts(trikd)}
  minio: { enabled: true, password: only-for-a-trial, image: ${parts(minio)} }
  kubectl -n observability create deployment jaeger --image=${jaeger}

Logs of its parts are in ${cluster.folder}/log. A shell in its network:

  ${cluster.namespaces.inside(['bash']).join(' ')}`);
  return () => cluster.stop();
}

async function installed(): Promise<() => Promise<void>> {
  const { cluster, facts } = await startInstalledCluster((line) => console.log(line), interruption.signal);
  const file = join(facts.folder, 'cluster.json');
  writeFileSync(file, JSON.stringify(facts));
  console.log(`
The cluster runs until Ctrl-C. To use it from another terminal:

  export KUBECONFIG=${facts.kubeconfig}
  kubectl get pods --all-namespaces
  kubectl --namespace trikd port-forward service/trikd-orchestrator 50051
  kubectl --namespace people create token ada --audience trikd > token
  trikd run examples/tiny.yaml --server https://localhost:50051 --ca ${facts.certs}/ca.crt --token-file token

Traces, while \`kubectl --namespace observers port-forward service/jaeger 16686\` runs:

  curl 'http://localhost:16686/api/traces?service=orchestrator&operation=trikd.step&limit=5'

Logs of its parts are in ${facts.folder}/log. A shell in its network:

  ${[...facts.inside, 'bash'].join(' ')}

The tests, in this cluster:

  RUNNING_CLUSTER=${file} npx vitest run --project cluster`);
  return () => cluster.stop();
}
