import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { S3Api } from './s3-api.js';

const WRITERS = 32;

/**
 * Proves, on objects of its own that it removes again, that this store keeps what everything else relies on. "Conditional PUT" is not
 * the same everywhere: there are servers, and proxies in front of servers, that let several racing writers win, that ignore the
 * condition, or that drop what comes with an object. Runs at the start of each process; costs about a hundred small requests.
 * @param store The store on `api`.
 * @param name Nobody else's, ever: part of a key.
 * @throws TrikdError 'wrong-state' that names the store and the promise it broke; 'unavailable' when it cannot be asked.
 */
export async function proveConditionalWrites(api: S3Api, store: ObjectStore, name: string): Promise<void> {
  const key = `probe/${name}`;
  const nothing = `probe/${name}-nothing`;
  const demand = (holds: boolean, promise: string, found: string) => {
    if (holds) return;
    throw new TrikdError('wrong-state', `store ${api.place} is not safe to use: ${promise}, ${found}`, {
      place: api.place,
    });
  };
  // A store that cannot be reached says so to one request, before dozens ask.
  demand((await store.list(key)).length === 0, 'what was never written must not be listed', 'it was');
  try {
    const first = await race((text) => store.create(key, text), 'created');
    demand(first.length === 1, `of ${WRITERS} writers that create one object one must win`, `${first.length} did`);
    const created = await store.get(key);
    demand(textOf(created?.bytes) === first[0], 'what was written must be read', `it was ${textOf(created?.bytes)}`);
    const note = (await api.get(key))?.note;
    demand(note !== undefined && note !== '', 'user metadata must be kept with an object', 'it was not');

    const version = created?.version ?? '';
    const second = await race((text) => store.replace(key, text, version), 'replaced');
    demand(second.length === 1, `of ${WRITERS} writers that replace one version one must win`, `${second.length} did`);
    const replaced = textOf((await store.get(key))?.bytes);
    demand(replaced === second[0], 'what was written must be read', `it was ${replaced}`);

    const outcome = await store.replace(nothing, bytesOf('nothing'), version);
    demand(outcome === 'conflict', 'what is not there must not be replaced', 'it was');
    const keys = await store.list(key);
    demand(keys.includes(key), 'what was written must be listed', `${keys.length} others were`);
  } catch (error) {
    // Why the proof failed matters more than a few bytes that stay.
    await Promise.allSettled([store.remove(key), store.remove(nothing)]);
    throw error;
  }
  await store.remove(key);
}

/** What those wrote that won. */
async function race(write: (bytes: Uint8Array) => Promise<string>, won: string): Promise<readonly string[]> {
  const texts = Array.from({ length: WRITERS }, (_, i) => `${won} by ${i}`);
  const outcomes = await Promise.all(texts.map((text) => write(bytesOf(text))));
  return texts.filter((_, i) => outcomes[i] === won);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes ? new TextDecoder().decode(bytes) : 'nothing';
}
