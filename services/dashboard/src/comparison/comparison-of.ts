import type { Metric } from '@trikd/core/tasks/metric';
import { type ComparedRun, compareCurves } from '@trikd/events/compare-runs';
import type { RunHistory } from '@trikd/events/run-history';
import { axisOf, type Plot } from '../charts/series.js';

/** The class, and custom property, with the colour of a run, by its place in the comparison. */
export function colourOfRun(index: number): string {
  return `run-${index + 1}`;
}

/** The class, and custom property, with the colour of a run. */
export type ColourOf = (runId: string) => string;

/** The validation curves of runs over each other. @param learners those that are shown */
export function comparedPlots(
  histories: readonly RunHistory[],
  learners: readonly string[],
  colourOf: ColourOf,
): readonly Plot[] {
  return compareCurves(histories, learners).map(({ metric, steps, series }) => ({
    title: metric.title,
    axis: axisOf(metric),
    share: metric.format === 'share',
    steps,
    series: series.map(({ runId, learner, values }) => ({
      name: learners.length > 1 ? `${runId}, ${learner}` : runId,
      colour: colourOf(runId),
      ...(learner !== learners[0] && { dashed: true }),
      ...{ learner, split: 'validation' as const, values },
    })),
    marks: [{ at: 0, stage: 0, label: 'newest', short: '' }],
  }));
}

/** All learners of runs: the student first, then in the order in which they have reported. */
export function learnersIn(histories: readonly RunHistory[]): readonly string[] {
  const names = histories.flatMap(({ stages }) => stages.flatMap(({ learners }) => Object.keys(learners)));
  return [...new Set(names)].sort((a, b) => Number(b === 'student') - Number(a === 'student'));
}

/** Runs with the best value of a metric on a split; none if fewer than two have one. */
export function bestRuns(
  runs: readonly ComparedRun[],
  { name, better }: Metric,
  split: 'validation' | 'test',
): readonly string[] {
  const values = runs.flatMap(({ runId, result }) => {
    const value = result?.[split]?.[name];
    return value === undefined ? [] : [{ runId, value }];
  });
  if (values.length < 2) return [];
  const numbers = values.map(({ value }) => value);
  const best = better === 'higher' ? Math.max(...numbers) : Math.min(...numbers);
  return values.filter(({ value }) => value === best).map(({ runId }) => runId);
}
