import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { S3Api } from './s3-api.js';

const WRITERS = 32;

/**
 * Verifies, with temporary objects, that a store has the guarantees that everything else relies on. Some servers, and some
 * proxies in front of them, let several concurrent conditional writes succeed, ignore the condition, or drop user
 * metadata. Runs at the start of each process and sends about a hundred small requests.
 * @param store the store on `api`
 * @param name a globally unique part of a key
 * @throws TrikdError 'wrong-state' with the store and the guarantee that it lacks; 'unavailable' if it cannot be reached
 */
export async function proveConditionalWrites(api: S3Api, store: ObjectStore, name: string): Promise<void> {
  const key = `probe/${name}`;
  const nothing = `probe/${name}-nothing`;
  const check = (holds: boolean, guarantee: string, found: string) => {
    if (holds) return;
    throw new TrikdError('wrong-state', `store ${api.place} is not safe to use: ${guarantee}, ${found}`, {
      place: api.place,
    });
  };
  // One request first: if the store cannot be reached, dozens need not fail.
  check((await store.list(key)).length === 0, 'an object that was never written must not be listed', 'one was');
  try {
    const first = await race((text) => store.create(key, text), 'created');
    check(
      first.length === 1,
      `of ${WRITERS} writers that create one object exactly one must succeed`,
      `${first.length} did`,
    );
    const created = await store.get(key);
    check(
      textOf(created?.bytes) === first[0],
      'a read must return what was written',
      `it returned ${textOf(created?.bytes)}`,
    );
    const note = (await api.get(key))?.note;
    check(note !== undefined && note !== '', 'user metadata must be stored with an object', 'it was not');

    const version = created?.version ?? '';
    const second = await race((text) => store.replace(key, text, version), 'replaced');
    check(
      second.length === 1,
      `of ${WRITERS} writers that replace one version exactly one must succeed`,
      `${second.length} did`,
    );
    const replaced = textOf((await store.get(key))?.bytes);
    check(replaced === second[0], 'a read must return what was written', `it returned ${replaced}`);

    const outcome = await store.replace(nothing, bytesOf('nothing'), version);
    check(outcome === 'conflict', 'an object that does not exist must not be replaced', 'it was');
    const keys = await store.list(key);
    check(keys.includes(key), 'an object that was written must be listed', `${keys.length} others were`);
  } catch (error) {
    // The reason for the failure matters more than a few bytes left behind.
    await Promise.allSettled([store.remove(key), store.remove(nothing)]);
    throw error;
  }
  await store.remove(key);
}

/** The texts of the writers that succeeded. */
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
