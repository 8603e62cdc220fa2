// A product and a sum with one rounding, as processors with FMA compute them (Boldo and Melquiond, "Emulation of a FMA and correctly
// rounded sums", 2008). Numbers must be far from the ends of the range of exponents.

const float = new Float64Array(1);
/** Of `float`, the lower one first. */
const word = new Uint32Array(float.buffer);

/** The sum, and what rounding took from it (Knuth). */
function twoSum(a: number, b: number): readonly [number, number] {
  const sum = a + b;
  const of = sum - a;
  return [sum, a - (sum - of) + (b - of)];
}

/** The product, and what rounding took from it (Dekker). */
function twoProduct(a: number, b: number): readonly [number, number] {
  const product = a * b;
  const [high, low] = halves(a);
  const [otherHigh, otherLow] = halves(b);
  return [product, low * otherLow - (product - high * otherHigh - low * otherHigh - high * otherLow)];
}

function halves(value: number): readonly [number, number] {
  const large = value * (2 ** 27 + 1);
  const high = large - (large - value);
  return [high, value - high];
}

/** The sum rounded to odd: where it is not exact, the neighbour with an odd mantissa. A second rounding, to fewer bits, then is the only one. */
function oddSum(a: number, b: number): number {
  const [sum, error] = twoSum(a, b);
  if (error === 0) return sum;
  float[0] = sum;
  if (word[0]! % 2 !== 0) return sum;
  if (error > 0 === sum > 0) word[0]! += 1;
  else if (word[0]! > 0) word[0]! -= 1;
  else word.set([0xffffffff, word[1]! - 1]);
  return float[0];
}

/** a * b + c in float32: the product of two floats is exact in float64. */
export const fusedFloat = (a: number, b: number, c: number): number => Math.fround(oddSum(a * b, c));

/** a * b + c in float64. */
export function fusedDouble(a: number, b: number, c: number): number {
  const [product, productError] = twoProduct(a, b);
  const [small, smallError] = twoSum(c, productError);
  const [sum, sumError] = twoSum(product, small);
  return sum + oddSum(smallError, sumError);
}
