/**
 * Runs a Kubernetes on this machine until Ctrl-C, with JobSet, Kueue, an object store, a collector, a Jaeger and trikd in it.
 *
 * usage: node scripts/run-cluster.ts
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startInstalledCluster } from '@trikd/testing/kubernetes/installed-cluster';

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interruption.abort());
const { cluster, facts } = await startInstalledCluster((line) => console.log(line), interruption.signal).catch(
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return process.exit(1);
  },
);
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
if (!interruption.signal.aborted) await once(interruption.signal, 'abort');
console.log('ending the cluster');
await cluster.stop();
