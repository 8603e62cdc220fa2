/** Starts the API server that all tests of this folder use, each in namespaces of its own. */
import { startKubernetes } from '@trikd/testing/servers/kubernetes';
import type { TestProject } from 'vitest/node';

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { kubeconfig, stop } = await startKubernetes();
  project.provide('kubeconfig', kubeconfig);
  return stop;
}
