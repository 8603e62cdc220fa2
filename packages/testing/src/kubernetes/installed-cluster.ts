import { addControllers, addServers } from './add-ons.js';
import { type KubernetesCluster, startKubernetesCluster } from './cluster.js';
import { install } from './installation.js';

/** What other processes need to know of a cluster with trikd in it. */
export interface ClusterFacts {
  readonly kubeconfig: string;
  /** Everything of the cluster. */
  readonly folder: string;
  /** What comes before a command that is run in the network of the cluster. */
  readonly inside: readonly string[];
  /** Folder of the certificates. */
  readonly certs: string;
}

/** Starts a cluster, with all add-ons and with trikd in it. @param report is told what is there now, with the seconds it took */
export async function startInstalledCluster(
  report: (what: string) => void,
  signal?: AbortSignal,
): Promise<{ readonly cluster: KubernetesCluster; readonly facts: ClusterFacts }> {
  const began = performance.now();
  const timed = (what: string) => {
    signal?.throwIfAborted();
    report(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${what}`);
  };
  const cluster = await startKubernetesCluster({ report: timed, ...(signal && { signal }) });
  try {
    await addControllers(cluster, timed);
    await addServers(cluster, timed);
    const certs = await install(cluster, timed);
    const { kubeconfig, folder, namespaces } = cluster;
    return { cluster, facts: { kubeconfig, folder, certs, inside: namespaces.inside([]) } };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}
