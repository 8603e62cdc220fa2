import { TrikdError } from '@trikd/core/errors';
import { memoryStore } from '@trikd/core/run/memory-store';
import type { ObjectStore } from '@trikd/core/store';
import type { Host, Life } from './host.js';
import type { Network } from './network.js';
import type { World } from './world.js';

/** How the store is at present. All zero: well. */
export interface StoreHealth {
  /** Milliseconds that an operation takes, on average. */
  work: number;
  /** Share of operations that are answered 503, nothing done. */
  refuses: number;
  /** Whether every operation is. */
  down: boolean;
  /** Share of objects that are read with a bit flipped. */
  damages: number;
}

/** Somebody who looks on as the store changes. */
export interface Onlooker {
  /** An operation is about to be done. Whether it still is: the store may be killed by this. */
  before(life: Life, operation: keyof ObjectStore): boolean;
  /** It was done, and nobody has been told yet. */
  after(life: Life, operation: keyof ObjectStore): void;
  /** An object was written, or removed when there are no bytes. */
  changed(life: Life, key: string, bytes: Uint8Array | undefined): void;
}

/** The process in front of the disk. */
export interface StoreService {
  perform<T>(operation: keyof ObjectStore, key: string, from: Life, act: (disk: ObjectStore) => Promise<T>): Promise<T>;
}

export interface VirtualStore {
  /** What survives the process. */
  readonly disk: ObjectStore;
  boot(life: Life): StoreService;
  /** The store as a process sees it over the network: each operation once, each failure told. */
  port(life: Life, network: Network, host: Host<StoreService>): ObjectStore;
  readonly counts: Record<'operations' | 'refused operations' | 'flipped bits', number>;
}

export function createStore(world: World, health: StoreHealth, onlooker: Onlooker): VirtualStore {
  const { chance } = world;
  const disk = memoryStore();
  const counts = { operations: 0, 'refused operations': 0, 'flipped bits': 0 };

  const boot = (life: Life): StoreService => ({
    async perform(operation, key, from, act) {
      counts.operations += 1;
      if (health.down || chance.happens(health.refuses)) {
        counts['refused operations'] += 1;
        throw new TrikdError('unavailable', `${operation} of ${key}: 503 slow down`);
      }
      // Killed before it is done, an operation leaves nothing; killed after, it is whole, and nobody was told.
      await life.clock.sleep(chance.after(health.work));
      if (!onlooker.before(from, operation)) return new Promise(() => undefined);
      const result = await act(disk);
      onlooker.after(from, operation);
      await life.clock.sleep(chance.after(health.work));
      return result;
    },
  });

  function port(life: Life, network: Network, host: Host<StoreService>): ObjectStore {
    const perform = <T>(operation: keyof ObjectStore, key: string, act: (disk: ObjectStore) => Promise<T>) =>
      network.call(life, host, `${operation} ${key}`, (service) => service.perform(operation, key, life, act), {
        seconds: 5,
        retries: 0,
      });
    const writing =
      <T>(key: string, bytes: Uint8Array, act: (disk: ObjectStore) => Promise<T>, wrote: (result: T) => boolean) =>
      async (onDisk: ObjectStore) => {
        const result = await act(onDisk);
        if (wrote(result)) onlooker.changed(life, key, bytes);
        return result;
      };
    return {
      async get(key) {
        const object = await perform('get', key, (store) => store.get(key));
        // Params are read seldom: else nobody would ever resume from damaged ones.
        const odds = (key.endsWith('.safetensors') ? 5 : 1) * health.damages;
        if (!object || !chance.happens(odds)) return object;
        counts['flipped bits'] += 1;
        const bytes = Uint8Array.from(object.bytes);
        const place = chance.below(bytes.length);
        bytes[place] = bytes[place]! ^ (1 << chance.below(8));
        life.note(() => `reads ${key} with a bit flipped in byte ${place}`);
        return { ...object, bytes };
      },
      size: (key) => perform('size', key, (store) => store.size(key)),
      put: (key, bytes) =>
        perform(
          'put',
          key,
          writing(
            key,
            bytes,
            (store) => store.put(key, bytes),
            () => true,
          ),
        ),
      create: (key, bytes) =>
        perform(
          'create',
          key,
          writing(
            key,
            bytes,
            (store) => store.create(key, bytes),
            (result) => result === 'created',
          ),
        ),
      replace: (key, bytes, version) =>
        perform(
          'replace',
          key,
          writing(
            key,
            bytes,
            (store) => store.replace(key, bytes, version),
            (result) => result === 'replaced',
          ),
        ),
      list: (prefix) => perform('list', prefix, (store) => store.list(prefix)),
      remove: (key) =>
        perform('remove', key, async (store) => {
          await store.remove(key);
          onlooker.changed(life, key, undefined);
        }),
    };
  }

  return { disk, boot, port, counts };
}
