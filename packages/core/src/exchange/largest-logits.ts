/**
 * The columns of the `k` largest values of a row, ascending. Of equal values the earlier column is the larger one.
 * @param values the row starts at `from`, and has `count` columns
 */
export function largestColumns(values: Float32Array, from: number, count: number, k: number): Uint16Array {
  // A heap of the largest so far, the smallest of them at its root: most columns are compared with that one and no other.
  const heap = new Uint16Array(k);
  const isSmaller = (one: number, other: number) => {
    const a = values[from + one]!;
    const b = values[from + other]!;
    return a < b || (a === b && one > other);
  };
  const sink = (start: number, size: number) => {
    const column = heap[start]!;
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && isSmaller(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isSmaller(heap[child]!, column)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = column;
  };
  for (let column = 0; column < k; column++) heap[column] = column;
  for (let start = (k >> 1) - 1; start >= 0; start--) sink(start, k);
  let least = values[from + heap[0]!]!;
  for (let column = k; column < count; column++) {
    if (values[from + column]! <= least) continue;
    heap[0] = column;
    sink(0, k);
    least = values[from + heap[0]!]!;
  }
  return heap.sort();
}
