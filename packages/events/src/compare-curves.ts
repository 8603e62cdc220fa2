import type { Metric } from '@trikd/core/tasks/metric';
import { measured } from '@trikd/core/tasks/metrics';
import type { Curve } from './curve.js';
import type { GenerationHistory, RunHistory } from './run-history.js';

/** The values of one learner of one run. */
export interface ComparedSeries {
  readonly runId: string;
  readonly learner: string;
  /** One value for each step of the plot; undefined where the run has none. */
  readonly values: readonly (number | undefined)[];
}

/** One metric of several runs, over the steps since the start of each: its stages follow each other. */
export interface ComparedCurves {
  readonly metric: Metric;
  /** Ascending. */
  readonly steps: readonly number[];
  /** In the order of the runs, then of their learners. */
  readonly series: readonly ComparedSeries[];
}

/** The validation curves of runs, one plot for each metric. @param learners those that are shown; undefined: all */
export function compareCurves(
  histories: readonly RunHistory[],
  learners?: readonly string[],
): readonly ComparedCurves[] {
  const lines = histories.flatMap((history) => linesOf(history, learners));
  const values = lines.flatMap(({ points }) => [...points.values()]);
  const metrics = measured(Object.assign({}, ...values)).map(({ metric }) => metric);
  return metrics.map((metric) => curvesOf(metric, lines));
}

interface Line {
  readonly runId: string;
  readonly learner: string;
  /** Metrics by name, by step since the start of the run. */
  readonly points: ReadonlyMap<number, Readonly<Record<string, number>>>;
}

function linesOf({ run, generations }: RunHistory, wanted: readonly string[] | undefined): readonly Line[] {
  const names = [...new Set(generations.flatMap(({ learners }) => Object.keys(learners)))];
  return names
    .filter((name) => wanted === undefined || wanted.includes(name))
    .map((learner) => ({ runId: run?.runId ?? '', learner, points: pointsOf(learner, generations) }));
}

function pointsOf(learner: string, generations: readonly GenerationHistory[]): Line['points'] {
  const points = new Map<number, Readonly<Record<string, number>>>();
  let start = 0;
  for (const { learners, totalSteps } of generations) {
    for (const { last, values } of learners[learner]?.validation.points ?? []) points.set(start + last, values);
    start += stepsTrained(
      Object.values(learners).flatMap(({ training, validation }) => [training, validation]),
      totalSteps,
    );
  }
  return points;
}

/** A stage can end before its budget does. */
function stepsTrained(curves: readonly Curve[], budget: number): number {
  const trained = Math.max(0, ...curves.map(({ points }) => points.at(-1)?.last ?? 0));
  return trained > 0 ? trained : budget;
}

function curvesOf(metric: Metric, lines: readonly Line[]): ComparedCurves {
  const measuredLines = lines.filter(({ points }) =>
    [...points.values()].some(({ [metric.name]: value }) => value !== undefined),
  );
  const steps = [...new Set(measuredLines.flatMap(({ points }) => [...points.keys()]))].sort((a, b) => a - b);
  return {
    metric,
    steps,
    series: measuredLines.map(({ runId, learner, points }) => ({
      runId,
      learner,
      values: steps.map((step) => points.get(step)?.[metric.name]),
    })),
  };
}
