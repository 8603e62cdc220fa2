import type { Metric } from '@trikd/core/tasks/metric';
import { METRICS } from '@trikd/core/tasks/metrics';
import type { Curve } from '@trikd/events/curve';
import type { GenerationHistory, RunHistory } from '@trikd/events/run-history';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { frozenIn, learnerIn, namingOf, stageIn } from './stages.js';

/** One line of a plot. */
export interface Series {
  /** Its name. */
  readonly learner: string;
  readonly split: 'train' | 'validation';
  /** One value for each step of the plot; undefined where there is none. */
  readonly values: readonly (number | undefined)[];
}

/** The start of a stage in a plot. */
export interface Mark {
  readonly at: number;
  readonly generation: number;
  /** As a row of a table has it: `2`, `teacher`. */
  readonly label: string;
  /** As a plot has it: `g2`, `teacher`. */
  readonly short: string;
}

/** A plot over the steps of one stage, or of all stages in sequence. */
export interface Plot {
  readonly title: string;
  readonly share: boolean;
  /** Steps since the start of the first stage shown. */
  readonly steps: readonly number[];
  readonly series: readonly Series[];
  readonly marks: readonly Mark[];
}

type Values = Readonly<Record<string, number>>;

/** A learner in a stage. */
interface Trained {
  readonly learner: string;
  /** The other learner of the stage. */
  readonly peer?: string;
  /** Of the task term in its objective; undefined when it is not known or changes. */
  readonly taskWeight?: number;
}

interface Wanted {
  readonly title: string;
  readonly share?: boolean;
  readonly train: (values: Values, of: Trained) => number | undefined;
  /** Name of a metric. */
  readonly validation?: string;
}

const named = (name: string) => (values: Values) => values[name];

function plotsWanted(run: Run | undefined): readonly Wanted[] {
  return [
    ...METRICS.map(plotOfMetric),
    { title: 'Task loss', train: named('task') },
    ...(run ? frozenIn(run) : []).map((name) => ({
      title: `Distillation loss from the ${name}`,
      train: (values: Values, { peer }: Trained) => (peer === name ? undefined : values[name]),
    })),
    { title: 'Distillation loss from the peer', train: (values, { peer }) => (peer ? values[peer] : undefined) },
    { title: 'Gradient norm', train: named('gradientNorm') },
  ];
}

function plotOfMetric({ name, title, format, isTaskLoss }: Metric): Wanted {
  return { title, share: format === 'share', train: isTaskLoss ? taskLoss : named(name), validation: name };
}

/** At weight 1. */
function taskLoss({ task }: Values, { taskWeight }: Trained): number | undefined {
  return task === undefined || taskWeight === undefined ? undefined : task / taskWeight;
}

/** The plots that have values. */
export function plotsOf(history: RunHistory, generation?: number): readonly Plot[] {
  const shown = history.generations.filter((each) => generation === undefined || each.generation === generation);
  const stages = stagesShown(history.run, shown);
  return plotsWanted(history.run)
    .map((wanted) => plotOf(wanted, stages))
    .filter(({ series }) => series.length > 0);
}

/** A stage in the sequence of a plot. */
interface StageShown {
  readonly mark: Mark;
  readonly learners: GenerationHistory['learners'];
  readonly trained: readonly Trained[];
}

function stagesShown(run: Run | undefined, shown: readonly GenerationHistory[]): readonly StageShown[] {
  const naming = namingOf(run);
  let offset = 0;
  return shown.map(({ generation, learners, totalSteps }) => {
    const mark = { at: offset, generation, label: naming.label(generation), short: naming.short(generation) };
    const curves = Object.values(learners).flatMap(({ training, validation }) => [training, validation]);
    offset += lengthOf(totalSteps, curves);
    return { mark, learners, trained: trainedIn(run, generation, Object.keys(learners)) };
  });
}

/** The learners of a stage: in the order of its spec, and others that have reported. */
function trainedIn(run: Run | undefined, generation: number, reported: readonly string[]): readonly Trained[] {
  const names = [...new Set([...(run ? stageIn(run, generation).learners : []), ...reported])];
  return names.map((learner) => {
    const peer = names.find((name) => name !== learner);
    const weight = run && taskWeightOf(run, generation, learner);
    return { learner, ...(peer !== undefined && { peer }), ...(weight !== undefined && { taskWeight: weight }) };
  });
}

function taskWeightOf(run: Run, generation: number, learner: string): number | undefined {
  const task = learnerIn(run, generation, learner)?.objective.find(({ kind }) => kind === 'task');
  return typeof task?.weight === 'number' && task.weight > 0 ? task.weight : undefined;
}

function plotOf({ title, share = false, train, validation }: Wanted, stages: readonly StageShown[]): Plot {
  const learners = [...new Set(stages.flatMap(({ trained }) => trained.map(({ learner }) => learner)))];
  const lines = learners.flatMap((learner) => [
    { learner, split: 'train' as const, points: pointsOf(stages, learner, 'training', train) },
    ...(validation
      ? [{ learner, split: 'validation' as const, points: pointsOf(stages, learner, 'validation', named(validation)) }]
      : []),
  ]);
  const steps = [...new Set(lines.flatMap(({ points }) => [...points.keys()]))].sort((a, b) => a - b);
  const series = lines
    .filter(({ points }) => points.size > 0)
    .map(({ learner, split, points }) => ({ learner, split, values: steps.map((step) => points.get(step)) }));
  return { title, share, steps, series, marks: stages.map(({ mark }) => mark) };
}

/** The values of a learner in all stages, by their steps in the plot. */
function pointsOf(
  stages: readonly StageShown[],
  learner: string,
  curve: 'training' | 'validation',
  pick: Wanted['train'],
): ReadonlyMap<number, number> {
  const points = new Map<number, number>();
  for (const { mark, learners, trained } of stages) {
    const of = trained.find((each) => each.learner === learner);
    for (const { last, values } of (of && learners[learner]?.[curve].points) ?? []) {
      const picked = of && pick(values, of);
      if (picked !== undefined) points.set(mark.at + last, picked);
    }
  }
  return points;
}

/** Trained steps of a stage, which can end early; its budget before its first step. */
function lengthOf(totalSteps: number, curves: readonly Curve[]): number {
  const trained = Math.max(0, ...curves.map(({ points }) => points.at(-1)?.last ?? 0));
  return trained > 0 ? trained : totalSteps;
}

/** The newest value of a line. */
export function newest({ values }: Series): number | undefined {
  return values.findLast((each) => each !== undefined);
}
