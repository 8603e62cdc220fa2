/**
 * The sum of arrays of one length, added in their order: ((first + second) + third) and so on, in float32. The order is part of the
 * result, bit for bit.
 * @throws RangeError for arrays of different lengths
 */
export function sumOf([first, ...others]: readonly Float32Array[]): Float32Array {
  const sum = Float32Array.from(first ?? []);
  for (const each of others) {
    if (each.length !== sum.length) throw new RangeError(`${each.length} numbers, expected ${sum.length}`);
    for (let i = 0; i < sum.length; i++) sum[i]! += each[i]!;
  }
  return sum;
}
