/** The mean of some neighbouring steps. */
export interface CurvePoint {
  /** First and last step in it. */
  readonly step: number;
  readonly last: number;
  /** How many values it is the mean of. */
  readonly count: number;
  readonly values: Readonly<Record<string, number>>;
}

/** Values over steps, thinned out so that it never has more than `MOST_POINTS`. */
export interface Curve {
  /** Steps that share a point; a power of two. */
  readonly stride: number;
  /** By step. */
  readonly points: readonly CurvePoint[];
}

/** About as many as a plot has pixels to show them. */
export const MOST_POINTS = 400;

export const emptyCurve: Curve = { stride: 1, points: [] };

/** The curve with one more value. What it had from that step on was of a start that is over, and goes. */
export function addPoint(curve: Curve, step: number, values: Readonly<Record<string, number>>): Curve {
  const before = cutFrom(curve, step);
  const points = joined([...before.points, { step, last: step, count: 1, values }], before.stride);
  return points.length <= MOST_POINTS ? { ...before, points } : thinned({ ...before, points });
}

/** The curve without the steps from one on. */
export function cutFrom(curve: Curve, step: number): Curve {
  const newest = curve.points.at(-1);
  if (!newest || newest.last < step) return curve;
  return { ...curve, points: curve.points.filter(({ last }) => last < step) };
}

function thinned({ stride, points }: Curve): Curve {
  const wider = 2 * stride;
  const fewer: CurvePoint[] = [];
  for (const point of points) {
    fewer.push(point);
    fewer.splice(-2, 2, ...joined(fewer.slice(-2), wider));
  }
  return { stride: wider, points: fewer };
}

/** Joins the last two points if they fall into one stride. */
function joined(points: readonly CurvePoint[], stride: number): readonly CurvePoint[] {
  const [one, other] = points.slice(-2);
  if (!one || !other || Math.floor(one.step / stride) !== Math.floor(other.step / stride)) return points;
  return [...points.slice(0, -2), mean(one, other)];
}

function mean(one: CurvePoint, other: CurvePoint): CurvePoint {
  const count = one.count + other.count;
  const names = new Set([...Object.keys(one.values), ...Object.keys(other.values)]);
  const values = [...names].map((name) => {
    const [first, second] = [one.values[name], other.values[name]];
    if (first === undefined || second === undefined) return [name, first ?? second ?? 0] as const;
    return [name, (first * one.count + second * other.count) / count] as const;
  });
  return { step: one.step, last: other.last, count, values: Object.fromEntries(values) };
}
