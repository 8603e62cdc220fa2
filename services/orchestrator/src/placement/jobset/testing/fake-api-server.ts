import { createBell } from '@trikd/core/async/bell';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Change, KubernetesApi } from '../kubernetes-api.js';
import { type JobSet, KINDS, type Kind, type Metadata, type Objects } from '../objects.js';
import type { NewJobSet } from '../template.js';

/** An API server in memory, with the behaviour that the placement relies on: unique names, versions, uids, watches. */
export interface FakeApiServer {
  /** What an orchestrator uses. */
  readonly api: KubernetesApi;
  all<K extends Kind>(kind: K): readonly Objects[K][];
  find<K extends Kind>(kind: K, name: string): Objects[K] | undefined;
  /** What a JobSet was created as. */
  blueprintOf(name: string): NewJobSet | undefined;
  add<K extends Kind>(kind: K, object: Objects[K]): void;
  /** Replaces an object, if it is there. */
  update<K extends Kind>(kind: K, name: string, change: (object: Objects[K]) => Objects[K]): void;
  remove(kind: Kind, name: string): void;
  /** Metadata of a new object. */
  metadata(name: string, labels?: Readonly<Record<string, string>>): Metadata;
  /** ISO 8601. */
  date(): string;
  /** Forgets what happened: a watch from an earlier version is refused. */
  compact(): void;
  /** The connections of all watches are closed. */
  breakWatches(): void;
  /** The watches that are open now bring nothing any more, and do not end. */
  muteWatches(): void;
}

interface Happened {
  readonly version: number;
  readonly kind: Kind;
  readonly change: Change<Objects[Kind]>;
}

/** Changes that a watch can still ask for. */
const KEPT = 1000;

/** @param now milliseconds since 1970 @param changed is called after each change */
export function fakeApiServer(
  now: () => number,
  changed: (kind: Kind, name: string) => void = () => undefined,
): FakeApiServer {
  const stores: { readonly [K in Kind]: Map<string, Objects[K]> } = {
    jobsets: new Map(),
    pods: new Map(),
    workloads: new Map(),
  };
  const blueprints = new Map<string, NewJobSet>();
  const happened: Happened[] = [];
  const bell = createBell();
  let version = 1;
  let uids = 0;
  let oldest = 1;
  let broken = 0;
  let muted = 0;
  const date = () => new Date(Math.max(0, now())).toISOString();

  const record = (kind: Kind, change: Change<Objects[Kind]>) => {
    happened.push({ version, kind, change });
    if (happened.length > KEPT) oldest = happened.shift()!.version;
    bell.ring();
  };
  const store = <K extends Kind>(kind: K, type: 'ADDED' | 'MODIFIED', object: Objects[K]) => {
    version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(version) };
    const stored: Objects[K] = { ...object, metadata };
    stores[kind].set(metadata.name, stored);
    record(kind, { type, object: stored });
    changed(kind, metadata.name);
    return stored;
  };
  const metadata: FakeApiServer['metadata'] = (name, labels = {}) => {
    uids += 1;
    return { name, uid: `uid-${uids}`, resourceVersion: '0', creationTimestamp: date(), labels };
  };
  const remove: FakeApiServer['remove'] = (kind, name) => {
    const object = stores[kind].get(name);
    if (!object) return;
    stores[kind].delete(name);
    if (kind === 'jobsets') blueprints.delete(name);
    version += 1;
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    record(kind, { type: 'DELETED', object: last });
    changed(kind, name);
  };
  const update: FakeApiServer['update'] = (kind, name, change) => {
    const object = stores[kind].get(name);
    if (object) store(kind, 'MODIFIED', change(object));
  };

  const api: KubernetesApi = {
    async create(blueprint) {
      const { name, labels, annotations } = blueprint.metadata;
      if (stores.jobsets.has(name)) return 'exists';
      blueprints.set(name, blueprint);
      const suspend = blueprint.spec['suspend'] === true;
      const { replicatedJobs } = blueprint.spec;
      const jobSet: JobSet = {
        metadata: { ...metadata(name, labels), annotations },
        spec: { suspend, replicatedJobs },
      };
      return store('jobsets', 'ADDED', jobSet);
    },
    get: async (name) => stores.jobsets.get(name),
    async delete(name, uid) {
      if (stores.jobsets.get(name)?.metadata.uid !== uid) return;
      update('jobsets', name, (object) => ({
        ...object,
        metadata: { ...object.metadata, deletionTimestamp: object.metadata.deletionTimestamp ?? date() },
      }));
    },
    list: async (kind) => ({ items: [...stores[kind].values()], resourceVersion: String(version) }),
    async *watch<K extends Kind>(kind: K, from: string, signal: AbortSignal) {
      let seen = Number(from);
      const [unbroken, heard] = [broken, muted];
      while (!signal.aborted && broken === unbroken) {
        if (seen < oldest - 1) throw new TrikdError('out-of-step', `too old resource version: ${seen} (${oldest})`);
        const next = muted === heard ? happened.find((each) => each.version > seen) : undefined;
        if (next) {
          seen = next.version;
          // What was stored as one kind is read as that kind.
          if (next.kind === kind) yield next.change as Change<Objects[K]>;
        } else await bell.heard(signal);
      }
    },
  };

  return {
    api,
    all: (kind) => [...stores[kind].values()],
    find: (kind, name) => stores[kind].get(name),
    blueprintOf: (name) => blueprints.get(name),
    add: (kind, object) => void store(kind, 'ADDED', object),
    update,
    remove,
    metadata,
    date,
    compact() {
      happened.length = 0;
      version += 1;
      oldest = version + 1;
    },
    breakWatches() {
      broken += 1;
      bell.ring();
    },
    muteWatches() {
      muted += 1;
    },
  };
}

export { KINDS };
