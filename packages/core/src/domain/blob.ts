/** An object in the store, identified by its content. */
export interface Blob {
  readonly key: string;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
}
