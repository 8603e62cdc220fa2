/** An object in the store, named by what it must contain. */
export interface Blob {
  readonly key: string;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
}
