import { createBackoff } from '@trikd/core/async/backoff';
import type { Clock } from '@trikd/core/async/clock';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import type { Change, KubernetesApi } from './kubernetes-api.js';
import type { Kind, Objects } from './objects.js';

/** The objects of one kind, as the API server reported them last. */
export interface FollowedObjects<T> {
  /** Whether all of them were read once. */
  synced(): boolean;
  all(): Iterable<T>;
  get(name: string): T | undefined;
  /** Those of a group, see `FollowPorts`. */
  of(group: string): readonly T[];
  /** What this process has just made or read: news of it may be late, but what they have brought already is newer. */
  put(object: T): void;
}

export interface FollowPorts<K extends Kind> {
  readonly kind: K;
  readonly api: Pick<KubernetesApi, 'list' | 'watch'>;
  readonly clock: Clock;
  /** Uniform on [0, 1). */
  readonly random: () => number;
  readonly stopped: AbortSignal;
  /** The groups that an object belongs to. */
  groupOf(object: Objects[K]): string | undefined;
  changed(): void;
  /** Gets why the objects cannot be followed at the moment; undefined: they can. */
  trouble(reason: string | undefined): void;
}

/** Seconds after which everything is listed again: a watch may have ended without a sign. */
const RELIST = 60;

const BACKOFF = { firstMs: 250, maxMs: 10_000 };

/** Without a reason, each would get an error of its own, with a stack that nobody reads. */
const DUE = new Error('everything is to be listed again');

/**
 * Lists the objects of a kind and watches their changes, until `stopped` aborts. What was known stays known while the API server is
 * away: that it does not answer says nothing about the objects.
 */
export function followObjects<K extends Kind>(ports: FollowPorts<K>): FollowedObjects<Objects[K]> {
  type T = Objects[K];
  const { kind, api, clock, random, stopped, groupOf, changed, trouble } = ports;
  const backoff = createBackoff({ ...BACKOFF, random });
  let objects = new Map<string, T>();
  let groups = new Map<string, Map<string, T>>();
  /** Put since the current list was asked for. */
  const fresh = new Map<string, T>();
  let synced = false;
  let failures = 0;
  const failed = (error: unknown) => {
    failures += 1;
    // A connection that was idle may be closed at any time.
    if (failures > 1) trouble(messageOf(error));
  };
  const succeeded = () => {
    failures = 0;
    backoff.reset();
    trouble(undefined);
  };

  const remove = (name: string) => {
    const before = objects.get(name);
    const group = before && groupOf(before);
    objects.delete(name);
    if (group === undefined) return;
    const rest = groups.get(group);
    rest?.delete(name);
    if (rest?.size === 0) groups.delete(group);
  };
  const set = (object: T) => {
    const { name } = object.metadata;
    remove(name);
    objects.set(name, object);
    const group = groupOf(object);
    if (group === undefined) return;
    const members = groups.get(group) ?? new Map<string, T>();
    groups.set(group, members.set(name, object));
  };
  const apply = (change: Exclude<Change<T>, { readonly type: 'BOOKMARK' }>) => {
    if (change.type === 'DELETED') remove(change.object.metadata.name);
    else set(change.object);
    changed();
  };

  /** Resolves to a version from which on changes can be watched. */
  async function list(): Promise<string> {
    fresh.clear();
    const { items, resourceVersion } = await api.list(kind);
    objects = new Map();
    groups = new Map();
    for (const object of items) set(object);
    for (const [name, object] of fresh) if (!objects.has(name)) set(object);
    synced = true;
    changed();
    return resourceVersion;
  }

  /** Until the server ends it, or it fails. Resolves to the newest version that was seen. */
  async function watchFrom(version: string, due: AbortSignal): Promise<string> {
    let newest = version;
    for await (const change of api.watch(kind, version, due)) {
      newest = change.type === 'BOOKMARK' ? change.resourceVersion : change.object.metadata.resourceVersion;
      succeeded();
      if (change.type !== 'BOOKMARK') apply(change);
    }
    return newest;
  }

  /** Watches until everything is to be listed again. @throws TrikdError `out-of-step` when the version is too old */
  async function watchOn(from: string): Promise<void> {
    const due = new AbortController();
    const over = new AbortController();
    const stop = () => due.abort(DUE);
    stopped.addEventListener('abort', stop, { once: true, signal: over.signal });
    clock.sleep(1000 * RELIST, over.signal).then(stop, () => undefined);
    let version = from;
    try {
      while (!due.signal.aborted && !stopped.aborted) {
        try {
          version = await watchFrom(version, due.signal);
        } catch (error) {
          if (due.signal.aborted) return;
          if (error instanceof TrikdError && error.kind === 'out-of-step') throw error;
          failed(error);
        }
        if (!due.signal.aborted) await clock.sleep(backoff.next(), due.signal).catch(() => undefined);
      }
    } finally {
      over.abort(DUE);
    }
  }

  async function follow(): Promise<void> {
    while (!stopped.aborted) {
      try {
        const version = await list();
        succeeded();
        await watchOn(version);
      } catch (error) {
        // It is no trouble that everything has to be listed again.
        if (!(error instanceof TrikdError && error.kind === 'out-of-step')) failed(error);
        await clock.sleep(backoff.next(), stopped).catch(() => undefined);
      }
    }
  }
  void follow();

  return {
    synced: () => synced,
    all: () => objects.values(),
    get: (name) => objects.get(name),
    of: (group) => [...(groups.get(group)?.values() ?? [])],
    put(object) {
      if (objects.get(object.metadata.name)?.metadata.uid === object.metadata.uid) return;
      fresh.set(object.metadata.name, object);
      set(object);
      changed();
    },
  };
}
