import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { S3Api, S3Object } from '@trikd/store/s3-api';
import { s3Error } from '@trikd/store/s3-api';
import { s3Store } from '@trikd/store/s3-store';
import { fakeS3 } from '@trikd/testing/stores/fake-s3';
import type { Host, Life } from './host.js';
import type { Network } from './network.js';
import type { World } from './world.js';

/** How the store is at present. All zero: well. */
export interface StoreHealth {
  /** Milliseconds that a request takes, on average. */
  work: number;
  /** Share of requests that are answered 503, nothing done. */
  refuses: number;
  /** Whether every request is. */
  down: boolean;
  /** Share of objects that are read with a bit flipped. */
  damages: number;
}

/** The requests of a client. */
export type S3Method = Exclude<keyof S3Api, 'place'>;

/** Observes the changes of a store. */
export interface Onlooker {
  /** A request is about to be done. Whether it still is: the store may be killed by this. */
  before(life: Life, method: S3Method): boolean;
  /** It was done, and the answer is not sent yet. */
  after(life: Life, method: S3Method): void;
  /** An object was written, or removed when there are no bytes. */
  changed(life: Life, key: string, bytes: Uint8Array | undefined): void;
}

/** The process in front of the disk. */
export interface StoreService {
  perform<T>(method: S3Method, from: Life, act: (disk: S3Api) => Promise<T>): Promise<T>;
}

export interface VirtualStore {
  /** What survives the process. */
  readonly disk: S3Api;
  boot(life: Life): StoreService;
  /** The store of a process: ours, over requests that can fail in every way. */
  open(life: Life, network: Network, host: Host<StoreService>): ObjectStore;
  /** Keys of objects that were read with a bit flipped. */
  readonly misread: ReadonlySet<string>;
  readonly counts: Record<'requests to the store' | 'answers of 503' | 'flipped bits', number>;
}

const PLACE = 'http://store:9000/runs';

export function createStore(world: World, health: StoreHealth, onlooker: Onlooker): VirtualStore {
  const { chance } = world;
  const disk = fakeS3();
  const misread = new Set<string>();
  const counts = { 'requests to the store': 0, 'answers of 503': 0, 'flipped bits': 0 };

  const boot = (life: Life): StoreService => ({
    async perform(method, from, act) {
      counts['requests to the store'] += 1;
      if (health.down || chance.happens(health.refuses)) {
        counts['answers of 503'] += 1;
        throw failure('SlowDown');
      }
      // Killed before it is done, a request leaves nothing; killed after, it is whole, and no answer was sent.
      await life.clock.sleep(chance.after(health.work));
      if (!onlooker.before(from, method)) return new Promise(() => undefined);
      const result = await act(disk);
      onlooker.after(from, method);
      return result;
    },
  });

  /** Some disks, and some memories between them and us, forget a bit. */
  function read(life: Life, key: string, object: S3Object | undefined): S3Object | undefined {
    // Params are read seldom: with equal odds no attempt would ever resume from damaged ones.
    const odds = (key.endsWith('.safetensors') ? 5 : 1) * health.damages;
    if (!object || !chance.happens(odds)) return object;
    counts['flipped bits'] += 1;
    misread.add(key);
    const bytes = Uint8Array.from(object.bytes);
    const place = chance.below(bytes.length);
    bytes[place] = bytes[place]! ^ (1 << chance.below(8));
    life.note(() => `reads ${key} with a bit flipped in byte ${place}`);
    return { ...object, bytes };
  }

  function open(life: Life, network: Network, host: Host<StoreService>): ObjectStore {
    const send = async <T>(method: S3Method, key: string, act: (api: S3Api) => Promise<T>): Promise<T> => {
      const what = `${method} ${key}`;
      const answer = await network
        .call(life, host, what, (service) => service.perform(method, life, act).then((value) => ({ value }), refusal), {
          seconds: 10,
          retries: 0,
        })
        .catch(() => ({ refused: 'ECONNRESET' }));
      if ('refused' in answer) throw failure(answer.refused);
      return answer.value;
    };
    const api: S3Api = {
      place: PLACE,
      put: (key, bytes, options) =>
        send('put', key, async (on) => {
          const outcome = await on.put(key, bytes, options);
          if (outcome !== 'refused') onlooker.changed(life, key, bytes);
          return outcome;
        }),
      get: async (key) => read(life, key, await send('get', key, (on) => on.get(key))),
      part: (key, offset, length) => send('part', key, (on) => on.part(key, offset, length)),
      head: (key) => send('head', key, (on) => on.head(key)),
      list: (prefix) => send('list', prefix, (on) => on.list(prefix)),
      remove: (key) =>
        send('remove', key, async (on) => {
          await on.remove(key);
          onlooker.changed(life, key, undefined);
        }),
    };
    const { clock, random, host: name, number } = life;
    return s3Store(api, { clock, random, writer: `${name}-${number}` });
  }

  return { disk, misread, boot, open, counts };
}

/** What S3 answers, as the client of S3 says it. */
function failure(code: string): Error {
  return s3Error(PLACE, Object.assign(new Error(code), { code }));
}

function refusal(): { readonly refused: string } {
  return { refused: 'SlowDown' };
}
