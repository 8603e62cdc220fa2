/**
 * Exponential means of values, without the pull of a start at 0: the mean of one value is the value. What is undefined stays undefined.
 * @param weight of the mean before, from 0, which changes nothing, to below 1
 * @param restarts indices at which a new mean begins
 */
export function smoothed(
  values: readonly (number | undefined)[],
  weight: number,
  restarts: ReadonlySet<number> = new Set(),
): readonly (number | undefined)[] {
  let [mean, share] = [0, 0];
  return values.map((value, index) => {
    if (restarts.has(index)) [mean, share] = [0, 0];
    if (value === undefined) return undefined;
    mean = weight * mean + (1 - weight) * value;
    share = weight * share + (1 - weight);
    return mean / share;
  });
}
