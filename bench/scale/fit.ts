/** One measurement: the value of each regressor, and what was measured. */
export interface Sample {
  readonly what: string;
  readonly at: Readonly<Record<string, number>>;
  readonly value: number;
}

/** value = Σ coefficient · regressor. */
export interface Fit {
  readonly coefficients: Readonly<Record<string, { readonly value: number; readonly standardError: number }>>;
  /** Largest |fitted / measured - 1|. */
  readonly worst: number;
  /** The same of each sample by a fit to all others. */
  readonly worstLeftOut: number;
  readonly samples: readonly (Sample & { readonly fitted: number })[];
}

/**
 * Least squares of relative errors, so that small values count as much as large ones. A coefficient that would be negative is left out: no
 * cost of these models is.
 * @param regressors names; `one` is 1 in each sample
 */
export function leastSquares(samples: readonly Sample[], regressors: readonly string[]): Fit {
  const coefficients = solved(samples, regressors);
  const fitted = samples.map((sample) => ({ ...sample, fitted: predict(coefficients, sample.at) }));
  const leftOut = samples.map((sample) => {
    const others = solved(
      samples.filter((other) => other !== sample),
      regressors,
    );
    return Math.abs(predict(others, sample.at) / sample.value - 1);
  });
  return {
    coefficients,
    worst: Math.max(...fitted.map((each) => Math.abs(each.fitted / each.value - 1))),
    worstLeftOut: Math.max(...leftOut),
    samples: fitted,
  };
}

/** What a fit says of other values of its regressors. */
export function predict(coefficients: Fit['coefficients'], at: Sample['at']): number {
  return Object.entries(coefficients).reduce((sum, [name, { value }]) => sum + value * regressor(at, name), 0);
}

const regressor = (at: Sample['at'], name: string) => (name === 'one' ? 1 : (at[name] ?? 0));

function solved(samples: readonly Sample[], regressors: readonly string[]): Fit['coefficients'] {
  // Each row divided by what was measured: the right side is 1.
  const rows = samples.map(({ at, value }) => regressors.map((name) => regressor(at, name) / value));
  const normal = regressors.map((_, i) => regressors.map((_, j) => sum(rows.map((row) => row[i]! * row[j]!))));
  const right = regressors.map((_, i) => sum(rows.map((row) => row[i]!)));
  const inverse = inverted(normal);
  const values = inverse.map((row) => sum(row.map((each, j) => each * right[j]!)));
  const negative = values.findIndex((value) => value < 0);
  if (negative !== -1) return solved(samples, regressors.toSpliced(negative, 1));
  const residual = sum(rows.map((row) => (1 - sum(row.map((each, i) => each * values[i]!))) ** 2));
  const variance = residual / Math.max(1, samples.length - regressors.length);
  const of = (i: number) => ({ value: values[i]!, standardError: Math.sqrt(variance * inverse[i]![i]!) });
  return Object.fromEntries(regressors.map((name, i) => [name, of(i)]));
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Gauss and Jordan, with the columns scaled to length 1: regressors differ by many orders of magnitude. */
function inverted(matrix: readonly (readonly number[])[]): number[][] {
  const scale = matrix.map((row, i) => 1 / Math.sqrt(row[i]! || 1));
  const n = matrix.length;
  const rows = matrix.map((row, i) => [
    ...row.map((value, j) => value * scale[i]! * scale[j]!),
    ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)),
  ]);
  for (let column = 0; column < n; column++) {
    const pivot = rows
      .slice(column)
      .reduce((best, row, i) => (Math.abs(row[column]!) > Math.abs(rows[best]![column]!) ? column + i : best), column);
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const by = rows[column]![column]!;
    rows[column] = rows[column]!.map((value) => value / by);
    for (let other = 0; other < n; other++) {
      if (other === column) continue;
      const times = rows[other]![column]!;
      rows[other] = rows[other]!.map((value, j) => value - times * rows[column]![j]!);
    }
  }
  return rows.map((row, i) => row.slice(n).map((value, j) => value * scale[i]! * scale[j]!));
}
