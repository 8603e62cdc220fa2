/** How many rows of logits have their largest value at the label. @param logits rows x classes, row-major */
export function rightRows(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  let right = 0;
  for (const [row, label] of labels.entries()) {
    const own = logits.subarray(row * classes, (row + 1) * classes);
    if (own.every((value) => value <= own[label]!)) right += 1;
  }
  return right;
}
