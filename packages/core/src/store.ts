/** An object as it was read, with the token that `replace` compares. */
export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly version: string;
}

/**
 * The object store, as the rules need it. Keys are `/`-separated parts of `[A-Za-z0-9._-]`, never empty, never `.` or `..`.
 * A write is whole or absent: no reader ever sees a part of one.
 */
export interface ObjectStore {
  /** The object, or undefined when there is none. */
  get(key: string): Promise<StoredObject | undefined>;
  /** Bytes of the object, or undefined when there is none. */
  size(key: string): Promise<number | undefined>;
  /** Writes whatever is there now. For keys that name their content. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Writes only if there is nothing: of many that race, one gets 'created'. */
  create(key: string, bytes: Uint8Array): Promise<'created' | 'exists'>;
  /** Writes only if the object still has `version`: compare-and-swap. */
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
