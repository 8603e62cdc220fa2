/** The cluster of the tests, which setup.ts has started. */
import type { ClusterFacts } from '@trikd/testing/kubernetes/installed-cluster';
import { type Kubectl, kubectlOf } from '@trikd/testing/servers/kubernetes';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    readonly cluster: ClusterFacts;
  }
}

export const facts = (): ClusterFacts => inject('cluster');
export const kubectl: Kubectl = (...args) => kubectlOf(facts().kubeconfig)(...args);

/** Reads an object, or a list of objects, as kubectl names them. */
export async function get<T>(...words: readonly string[]): Promise<T> {
  const json: T = JSON.parse(await kubectl('get', ...words, '--output=json'));
  return json;
}
