import { apiClient } from '../../placement/jobset/api-client.js';
import { accessOf } from '../../placement/jobset/cluster-access.js';
import type { KubernetesConfig } from '../../placement/placement-config.js';
import { keepLeaderLabel, type LeaderLabel, type LeaderLabelPorts } from './leader-label.js';
import type { LeaderLabelConfig } from './leader-label-config.js';
import { httpOrchestratorPods } from './orchestrator-pods.js';

export interface OpenLeaderLabelPorts extends Omit<LeaderLabelPorts, 'pods' | 'pod'> {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** @throws TrikdError `invalid` for an access to the cluster that cannot be used */
export function openLeaderLabel(
  config: LeaderLabelConfig,
  kubernetes: KubernetesConfig,
  { env, ...ports }: OpenLeaderLabelPorts,
): LeaderLabel {
  const client = apiClient(accessOf(kubernetes, env));
  ports.stopped.addEventListener('abort', client.close, { once: true });
  return keepLeaderLabel({ ...ports, pod: config.pod, pods: httpOrchestratorPods(client, config) });
}
