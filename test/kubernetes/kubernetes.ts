/** The API server of the tests, which setup.ts has started. */
import { type Kubectl, kubectlOf } from '@trikd/testing/servers/kubernetes';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    readonly kubeconfig: string;
  }
}

/** File of a user who may do everything. */
export const kubeconfig = (): string => inject('kubeconfig');
export const kubectl: Kubectl = (...args) => kubectlOf(kubeconfig())(...args);
