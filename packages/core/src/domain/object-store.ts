/** An object as it was read, with the token that `replace` compares. */
export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly version: string;
}

/**
 * The object store, as the rules need it. Keys are `/`-separated parts of `[A-Za-z0-9._-]`, never empty, never `.` or `..`.
 * A write is whole or absent: no reader ever sees a part of one.
 *
 * A version tells contents apart, and not two writes of the same bytes. A folder does tell them apart; S3 compares a digest of the
 * content, and there who read A can replace the A that came back after B. So what is replaced carries something that no two
 * writes have in common, such as a number that grows or a nonce. (Where two versions do hold the same bytes, replacing either of
 * them replaces what was read: what is lost is only that something happened in between.)
 *
 * What can go away by itself, a network or a full disk, is a TrikdError 'unavailable'. After one, a write may have happened or not,
 * and may even happen a little later.
 */
export interface ObjectStore {
  /** The object, or undefined when there is none. */
  get(key: string): Promise<StoredObject | undefined>;
  /** Bytes of the object, or undefined when there is none. */
  size(key: string): Promise<number | undefined>;
  /** Writes whatever is there now. For keys that name their content. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Writes only if there is nothing: of many that race, one gets 'created'. For small objects: a store may refuse over 1 MiB. */
  create(key: string, bytes: Uint8Array): Promise<'created' | 'exists'>;
  /** Writes only if the object still has `version`: compare-and-swap. For small objects, as `create`. */
  replace(key: string, bytes: Uint8Array, version: string): Promise<'replaced' | 'conflict'>;
  /** Keys that start with `prefix`, sorted. */
  list(prefix: string): Promise<readonly string[]>;
  /** Removes the object; absent is fine. */
  remove(key: string): Promise<void>;
}

const KEY_PART = /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/;

/** Whether a text can be a key, as every store reads it. */
export function isStoreKey(key: string): boolean {
  return key.split('/').every((part) => KEY_PART.test(part));
}
