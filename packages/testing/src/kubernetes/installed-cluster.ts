import { addControllers, addServers, pushTrialImages } from './add-ons.js';
import { REGISTRY } from './addresses.js';
import { type KubernetesCluster, startKubernetesCluster } from './cluster.js';
import { IMAGE, install, pushImage } from './installation.js';

type Report = (what: string) => void;

/** What other processes need to know of a cluster with trikd in it. */
export interface ClusterFacts {
  readonly kubeconfig: string;
  /** Everything of the cluster. */
  readonly folder: string;
  /** What comes before a command that is run in the network of the cluster. */
  readonly inside: readonly string[];
  /** Folder of iptables and others, which such a command may need. */
  readonly runtime: string;
  /** Folder of the certificates. */
  readonly certs: string;
}

/** Starts a cluster, with all add-ons and with trikd in it. @param report gets a line for each part that has started, with the seconds it took */
export async function startInstalledCluster(
  report: Report,
  signal?: AbortSignal,
): Promise<{ readonly cluster: KubernetesCluster; readonly facts: ClusterFacts }> {
  const { cluster, added } = await startWith(report, signal, async (cluster, timed) => {
    await addServers(cluster, timed);
    return install(cluster, timed);
  });
  const { kubeconfig, folder, namespaces, runtime } = cluster;
  return { cluster, facts: { kubeconfig, folder, certs: added, runtime, inside: namespaces.inside([]) } };
}

/** Starts a cluster for somebody who installs trikd by hand. @returns it, with references of the images in its registry */
export async function startBareCluster(
  report: Report,
  signal?: AbortSignal,
): Promise<{ readonly cluster: KubernetesCluster; readonly images: readonly string[] }> {
  const { cluster, added } = await startWith(report, signal, async (cluster, timed) => {
    await pushImage(cluster, timed);
    return [`${REGISTRY}/${IMAGE}`, ...pushTrialImages(cluster, timed)];
  });
  return { cluster, images: added };
}

/** Starts a cluster with JobSet and Kueue, and adds more. */
async function startWith<Added>(
  report: Report,
  signal: AbortSignal | undefined,
  add: (cluster: KubernetesCluster, report: Report) => Promise<Added>,
): Promise<{ readonly cluster: KubernetesCluster; readonly added: Added }> {
  const began = performance.now();
  const timed = (what: string) => {
    signal?.throwIfAborted();
    report(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${what}`);
  };
  const cluster = await startKubernetesCluster({ report: timed, ...(signal && { signal }) });
  try {
    await addControllers(cluster, timed);
    return { cluster, added: await add(cluster, timed) };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}
