/** Brings up the cluster that all tests of this folder use. RUNNING_CLUSTER names the file of one that runs already. */
import { readFileSync } from 'node:fs';
import { startInstalledCluster } from '@trikd/testing/kubernetes/installed-cluster';
import type { TestProject } from 'vitest/node';

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const running = process.env['RUNNING_CLUSTER'];
  if (running !== undefined) {
    project.provide('cluster', JSON.parse(readFileSync(running, 'utf8')));
    return undefined;
  }
  const { cluster, facts } = await startInstalledCluster((line) => console.log(line));
  project.provide('cluster', facts);
  return () => cluster.stop();
}
