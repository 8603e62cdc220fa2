/** The metadata of an object in S3. */
export interface S3Head {
  /** Bytes of the object. */
  readonly size: number;
  /** Digest of the content, without quotes. The MD5, unless the server keeps objects encrypted. */
  readonly etag: string;
  /** The `PutOptions.note` of its writer; empty if there is none. */
  readonly note: string;
}

export interface S3Object extends S3Head {
  readonly bytes: Uint8Array;
}

export interface PutOptions {
  /** Only if there is no object with this key, or only to replace the one with this ETag. */
  readonly onlyIf?: 'absent' | { readonly etag: string };
  /** Stored with the object. Letters, digits, `.`, `-` and spaces, at most 1000 characters. */
  readonly note?: string;
}

/**
 * The requests of S3 that a store needs. Each method sends one request, except for listings with several pages and for an
 * ambiguous HEAD. None is retried: a repeated conditional write would be refused because of its own success. Keys are
 * those of the store.
 *
 * Errors are TrikdErrors made by `s3Error`.
 */
export interface S3Api {
  /** Names the store in messages: `http://host:9000/bucket`. */
  readonly place: string;
  /** @returns the ETag of the new object, or 'refused' if `onlyIf` does not hold */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ readonly etag: string } | 'refused'>;
  get(key: string): Promise<S3Object | undefined>;
  /** `length` bytes from an offset on, fewer at the end of the object; none where it has ended. Undefined if there is no object. */
  part(key: string, offset: number, length: number): Promise<Uint8Array | undefined>;
  head(key: string): Promise<S3Head | undefined>;
  /** Keys that start with `prefix`, in any order. */
  list(prefix: string): Promise<readonly string[]>;
  /** Removes the object, if it exists. Unconditional, since MinIO ignores If-Match here. */
  remove(key: string): Promise<void>;
}
