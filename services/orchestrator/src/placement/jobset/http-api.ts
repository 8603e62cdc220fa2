import { aborted } from '@trikd/core/async/within';
import { TrikdError } from '@trikd/core/domain/errors';
import { type ApiAnswer, type ApiClient, refusalOf } from './api-client.js';
import type { Change, KubernetesApi, Listed } from './kubernetes-api.js';
import type { JobSet, Kind, Objects } from './objects.js';
import { selectorOf } from './objects.js';
import type { JobSetRules } from './template.js';

const GROUPS: Readonly<Record<Kind, string>> = {
  jobsets: '/apis/jobset.x-k8s.io/v1alpha2',
  pods: '/api/v1',
  workloads: '/apis/kueue.x-k8s.io/v1beta2',
};

/** Objects of one answer to a list. */
const PAGE = 500;
/** Seconds after which the server ends a watch; everything is listed again before. */
const WATCH = 300;

/** The version of a list that does not exist: without Kueue there are no workloads. */
const NONE = 'none';

/** The API server of Kubernetes over HTTPS. */
export function httpKubernetesApi(
  client: ApiClient,
  { namespace, instance }: Pick<JobSetRules, 'namespace' | 'instance'>,
): KubernetesApi {
  const pathOf = (kind: Kind, name = '') => `${GROUPS[kind]}/namespaces/${namespace}/${kind}${name && `/${name}`}`;
  const selected = (kind: Kind) => (kind === 'workloads' ? {} : { labelSelector: selectorOf(instance) });

  async function page<K extends Kind>(kind: K, from: string): Promise<Listed<Objects[K]> & { readonly next: string }> {
    const query = { ...selected(kind), limit: String(PAGE), ...(from !== '' && { continue: from }) };
    const answer = await client.send({ method: 'GET', path: pathOf(kind), query });
    if (answer.status === 404 && kind === 'workloads') return { items: [], resourceVersion: NONE, next: '' };
    if (answer.status === 404) {
      throw new TrikdError('invalid', `this Kubernetes has no ${kind}: ${refusalOf(answer).message}`);
    }
    const { items, metadata } = bodyOf<ObjectList<Objects[K]>>(answer);
    return { items, resourceVersion: metadata.resourceVersion, next: metadata.continue ?? '' };
  }

  return {
    async create(jobSet) {
      const answer = await client.send({ method: 'POST', path: pathOf('jobsets'), body: jobSet });
      return answer.status === 409 ? 'exists' : bodyOf<JobSet>(answer);
    },
    async get(name) {
      const answer = await client.send({ method: 'GET', path: pathOf('jobsets', name) });
      return answer.status === 404 ? undefined : bodyOf<JobSet>(answer);
    },
    async delete(name, uid) {
      // The JobSet stays until its pods are gone: what they hold is not free before.
      const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid }, propagationPolicy: 'Foreground' };
      const answer = await client.send({ method: 'DELETE', path: pathOf('jobsets', name), body });
      if (answer.status !== 404 && answer.status !== 409) bodyOf(answer);
    },
    async list(kind) {
      const first = await page(kind, '');
      const items = [...first.items];
      for (let { next } = first; next !== ''; ) {
        const more = await page(kind, next);
        items.push(...more.items);
        ({ next } = more);
      }
      return { items, resourceVersion: first.resourceVersion };
    },
    async *watch<K extends Kind>(kind: K, resourceVersion: string, signal: AbortSignal) {
      if (resourceVersion === NONE) return aborted(signal);
      const query = {
        ...{ ...selected(kind), resourceVersion, watch: 'true' },
        ...{ allowWatchBookmarks: 'true', timeoutSeconds: String(WATCH) },
      };
      for await (const line of client.stream({ method: 'GET', path: pathOf(kind), query }, signal)) {
        yield changeIn<Objects[K]>(line);
      }
    },
  };
}

interface ObjectList<T> {
  readonly items: readonly T[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

/** What the server sends is as its own schema says. @throws TrikdError for a refusal */
function bodyOf<T>(answer: ApiAnswer): T {
  if (answer.status >= 200 && answer.status < 300) return answer.body as T;
  throw refusalOf(answer);
}

/** @throws TrikdError `out-of-step` for a version that is too old */
function changeIn<T>(line: unknown): Change<T> {
  const event = line as {
    readonly type: string;
    readonly object: T & { readonly metadata: { readonly resourceVersion: string } };
  };
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: event.type, object: event.object };
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion };
    default: {
      const { code = 500, message } = event.object as { readonly code?: number; readonly message?: string };
      throw refusalOf({ status: code, body: { message: message ?? `a watch sent ${event.type}` } });
    }
  }
}
