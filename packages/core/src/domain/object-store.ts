/** An object with the version that `replace` compares. */
export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly version: string;
}

/**
 * The object store as a port. Keys are `/`-separated parts of `[A-Za-z0-9._-]`, never empty, `.` or `..`. Writes are
 * atomic: no reader ever sees part of an object.
 * || A version identifies content, not a write. A folder distinguishes two writes of the same bytes, but S3 compares a
 * digest of the content, so `replace` there succeeds on an object that changed from A to B and back to A. Objects that
 * are replaced therefore contain something unique to each write, such as a counter or a nonce.
 * || A transient failure, such as a network or a full disk, is a TrikdError 'unavailable'. After one, a write may or
 * may not have happened, and may even take effect a little later.
 */
export interface ObjectStore {
  /** The object, or undefined if there is none. */
  get(key: string): Promise<StoredObject | undefined>;
  /** Size of the object in bytes, or undefined if there is none. */
  size(key: string): Promise<number | undefined>;
  /** `length` bytes of the object from an offset on, fewer at its end, or undefined if there is no object. Both are whole, `length` positive. */
  part(key: string, offset: number, length: number): Promise<Uint8Array | undefined>;
  /** Writes unconditionally. For keys that name their content. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /**
   * Writes only if there is no object: of concurrent calls, one gets 'created'. For small objects; a store may refuse
   * more than 2 MiB.
   */
  create(key: string, bytes: Uint8Array): Promise<'created' | 'exists'>;
  /** Writes only if the object still has `version` (compare-and-swap). For small objects, as `create`. */
  replace(key: string, bytes: Uint8Array, version: string): Promise<'replaced' | 'conflict'>;
  /** Keys that start with `prefix`, sorted. */
  list(prefix: string): Promise<readonly string[]>;
  /** Removes the object, if there is one. */
  remove(key: string): Promise<void>;
}

/** A store for reading. */
export type StoreReader = Pick<ObjectStore, 'get' | 'size' | 'part' | 'list'>;

const KEY_PART = /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/;

/** Whether every store accepts the text as a key. */
export function isStoreKey(key: string): boolean {
  return key.split('/').every((part) => KEY_PART.test(part));
}
