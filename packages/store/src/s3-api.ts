/** What S3 knows of an object beside its bytes. */
export interface S3Head {
  /** Bytes of the object. */
  readonly size: number;
  /** Digest of the content, without quotes. The MD5, unless the server keeps objects encrypted. */
  readonly etag: string;
  /** What its writer put with it, as `PutOptions.note`; empty when there is nothing. */
  readonly note: string;
}

export interface S3Object extends S3Head {
  readonly bytes: Uint8Array;
}

export interface PutOptions {
  /** Only if there is no object of this key, or only over the one with this ETag. */
  readonly onlyIf?: 'absent' | { readonly etag: string };
  /** Kept with the object. Letters, digits, `.`, `-` and spaces, at most 1000 of them. */
  readonly note?: string;
}

/**
 * The requests of S3 that a store is made of, and no more. Each method is one request, but for a listing of several pages and for what
 * HEAD leaves open; none is ever repeated behind the caller's back: repeating a conditional write makes a refusal out of
 * one's own success. Keys are those of the store.
 *
 * What goes wrong is a TrikdError as `s3Error` says it.
 */
export interface S3Api {
  /** What to call the store in a sentence: `http://host:9000/bucket`. */
  readonly place: string;
  /** @returns the new object's ETag, or 'refused' when what is there is not what `onlyIf` asks for. */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ readonly etag: string } | 'refused'>;
  get(key: string): Promise<S3Object | undefined>;
  head(key: string): Promise<S3Head | undefined>;
  /** Keys that start with `prefix`, in any order. */
  list(prefix: string): Promise<readonly string[]>;
  /** Removes the object; absent is fine. Unconditional: MinIO ignores If-Match here. */
  remove(key: string): Promise<void>;
}
