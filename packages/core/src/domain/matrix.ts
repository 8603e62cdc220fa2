/** A batch of logits: rows = examples, cols = classes, row-major float32. */
export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float32Array;
}
