import { type ApiClient, refusalOf } from '../../placement/jobset/api-client.js';
import { type LabelChange, LEADER_LABEL, type OrchestratorPod, TERM_ANNOTATION } from './labels-to-change.js';

/**
 * The pods of the orchestrators of an installation.
 * @throws TrikdError as `KubernetesApi` does
 */
export interface OrchestratorPods {
  list(): Promise<readonly OrchestratorPod[]>;
  /** Adds or removes the label of a pod, unless the pod is gone. @throws TrikdError `invalid` also for another pod of the same name */
  label(change: LabelChange): Promise<void>;
}

export interface PodSelection {
  readonly namespace: string;
  /** Selector of labels. */
  readonly selector: string;
}

/** The pods, by the API server of Kubernetes over HTTPS. */
export function httpOrchestratorPods(client: ApiClient, { namespace, selector }: PodSelection): OrchestratorPods {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  return {
    async list() {
      const answer = await client.send({ method: 'GET', path, query: { labelSelector: selector } });
      if (answer.status !== 200) throw refusalOf(answer);
      return (answer.body as { readonly items: readonly OrchestratorPod[] }).items;
    },
    async label({ pod: { metadata }, term }) {
      const labels = { [LEADER_LABEL]: term === undefined ? null : 'true' };
      const annotations = { [TERM_ANNOTATION]: term === undefined ? null : String(term) };
      // The server refuses to change the uid of a pod: another one of the same name stays as it is.
      const body = { metadata: { uid: metadata.uid, labels, annotations } };
      const answer = await client.send({ method: 'PATCH', path: `${path}/${metadata.name}`, body });
      if (answer.status !== 200 && answer.status !== 404) throw refusalOf(answer);
    },
  };
}
