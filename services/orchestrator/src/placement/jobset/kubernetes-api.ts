import type { JobSet, Kind, Objects } from './objects.js';
import type { NewJobSet } from './template.js';

/** What happened to an object. A bookmark says only up to which version everything was sent. */
export type Change<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface Listed<T> {
  readonly items: readonly T[];
  /** A watch from here on misses nothing. */
  readonly resourceVersion: string;
}

/**
 * The API server of Kubernetes, as far as the placement uses it, in one namespace. JobSets and pods are those of this installation;
 * workloads are all of the namespace, and none where Kueue is not installed.
 * @throws TrikdError `unavailable` when it does not answer in time or is overloaded, `exhausted` for a quota, `invalid`, `forbidden` and
 * `unauthenticated` as it says, with its message
 */
export interface KubernetesApi {
  create(jobSet: NewJobSet): Promise<JobSet | 'exists'>;
  /** Undefined when there is none of the name. */
  get(name: string): Promise<JobSet | undefined>;
  /** Begins to delete a JobSet and everything in it, unless it is gone or is another one of the same name. */
  delete(name: string, uid: string): Promise<void>;
  list<K extends Kind>(kind: K): Promise<Listed<Objects[K]>>;
  /**
   * Every change after a version, until the signal aborts or the server ends the watch.
   * @throws TrikdError `out-of-step` when the version is too old: everything is to be listed again
   */
  watch<K extends Kind>(kind: K, resourceVersion: string, signal: AbortSignal): AsyncIterable<Change<Objects[K]>>;
}
