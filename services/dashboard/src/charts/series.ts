import type { Metric } from '@trikd/core/tasks/metric';
import { METRICS } from '@trikd/core/tasks/metrics';
import type { Curve } from '@trikd/events/curve';
import type { RunHistory, StageHistory } from '@trikd/events/run-history';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { frozenIn, learnerIn, namingOf, participantsIn, stageIn } from '../run/stages.js';

/** One line of a plot. */
export interface Series {
  /** As the legend has it. */
  readonly name: string;
  /** The class, and the custom property, with its colour. */
  readonly colour: string;
  readonly dashed?: boolean;
  readonly learner: string;
  /** Values of training are of single batches; of them a smoothed line is drawn too. */
  readonly split: 'train' | 'validation';
  /** One value for each step of the plot; undefined where there is none. */
  readonly values: readonly (number | undefined)[];
}

/** The start of a stage in a plot. */
export interface Mark {
  readonly at: number;
  readonly stage: number;
  /** As a row of a table has it: `2`, `teacher`. */
  readonly label: string;
  /** As a plot has it: `g2`, `teacher`. */
  readonly short: string;
}

/** A plot over the steps of one stage, of all stages in sequence, or of all of them from their step 0 on. */
export interface Plot {
  readonly title: string;
  /** Title of the vertical axis. */
  readonly axis: string;
  readonly share: boolean;
  /** Whether its values are what they are, without noise: they are not smoothed, and all of them are in the range. */
  readonly exact?: boolean;
  /** Steps since the start of the first stage shown, or of each stage. */
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
  readonly axis: string;
  readonly share?: boolean;
  readonly exact?: boolean;
  readonly train: (values: Values, of: Trained) => number | undefined;
  /** Name of a metric. */
  readonly validation?: string;
}

const named = (name: string) => (values: Values) => values[name];

function plotsWanted(run: Run | undefined): readonly Wanted[] {
  return [
    ...METRICS.map(plotOfMetric),
    { title: 'Task loss', axis: 'loss', train: named('task') },
    ...(run ? frozenIn(run) : []).map((name) => ({
      title: `Distillation loss from the ${name}`,
      axis: 'loss',
      train: (values: Values, { peer }: Trained) => (peer === name ? undefined : values[name]),
    })),
    {
      title: 'Distillation loss from the peer',
      axis: 'loss',
      train: (values, { peer }) => (peer ? values[peer] : undefined),
    },
    { title: 'Gradient norm', axis: 'norm', train: named('gradientNorm') },
    { title: 'Learning rate', axis: 'learning rate', exact: true, train: named('learningRate') },
    { title: 'Speed', axis: 'steps/s', train: named('stepsPerSecond') },
  ];
}

function plotOfMetric(metric: Metric): Wanted {
  const { name, title, format, isTaskLoss } = metric;
  const train = isTaskLoss ? taskLoss : named(name);
  return { title, axis: axisOf(metric), share: format === 'share', train, validation: name };
}

/** The label of a metric with its unit: `NLL (nat)`. */
export function axisOf({ label, unit }: Metric): string {
  return unit === undefined ? label : `${label} (${unit})`;
}

/** At weight 1. */
function taskLoss({ task }: Values, { taskWeight }: Trained): number | undefined {
  return task === undefined || taskWeight === undefined ? undefined : task / taskWeight;
}

/** All stages in sequence, all of them from step 0 on, or one of them by its index. */
export type StageView = 'sequence' | 'overlaid' | number;

/** The plots that have values. */
export function plotsOf(history: RunHistory, view: StageView = 'sequence'): readonly Plot[] {
  const { run } = history;
  const shown = history.stages.filter((each) => typeof view === 'string' || each.stage === view);
  const stages = stagesShown(run, shown);
  const plot = view === 'overlaid' ? overlaid : inSequence(coloursIn(run));
  return plotsWanted(run)
    .map((wanted) => plot(wanted, stages))
    .filter(({ series }) => series.length > 0);
}

/** A stage in the sequence of a plot. */
interface StageShown {
  readonly mark: Mark;
  readonly learners: StageHistory['learners'];
  readonly trained: readonly Trained[];
}

function stagesShown(run: Run | undefined, shown: readonly StageHistory[]): readonly StageShown[] {
  const naming = namingOf(run);
  let offset = 0;
  return shown.map(({ stage, learners, totalSteps }) => {
    const mark = { at: offset, stage, label: naming.label(stage), short: naming.short(stage) };
    const curves = Object.values(learners).flatMap(({ training, validation }) => [training, validation]);
    offset += lengthOf(totalSteps, curves);
    return { mark, learners, trained: trainedIn(run, stage, Object.keys(learners)) };
  });
}

/** The learners of a stage: in the order of its spec, and others that have reported. */
function trainedIn(run: Run | undefined, stage: number, reported: readonly string[]): readonly Trained[] {
  const names = [...new Set([...(run ? stageIn(run, stage).learners : []), ...reported])];
  return names.map((learner) => {
    const peer = names.find((name) => name !== learner);
    const weight = run && taskWeightOf(run, stage, learner);
    return { learner, ...(peer !== undefined && { peer }), ...(weight !== undefined && { taskWeight: weight }) };
  });
}

function taskWeightOf(run: Run, stage: number, learner: string): number | undefined {
  const task = learnerIn(run, stage, learner)?.objective.find(({ kind }) => kind === 'task');
  return typeof task?.weight === 'number' && task.weight > 0 ? task.weight : undefined;
}

/** Points of a line by their steps in the plot. */
type Points = ReadonlyMap<number, number>;

interface Line extends Omit<Series, 'values'> {
  readonly points: Points;
}

function plotOf(
  { title, axis, share = false, exact = false }: Wanted,
  lines: readonly Line[],
  marks: readonly Mark[],
): Plot {
  const drawn = lines.filter(({ points }) => points.size > 0);
  const steps = [...new Set(drawn.flatMap(({ points }) => [...points.keys()]))].sort((a, b) => a - b);
  const series = drawn.map(({ points, ...line }) => ({ ...line, values: steps.map((step) => points.get(step)) }));
  return { title, axis, share, exact, steps, series, marks };
}

/** Stage after stage: a line of training and one of validation for each learner. */
function inSequence(colourOf: (learner: string) => string) {
  return (wanted: Wanted, stages: readonly StageShown[]): Plot => {
    const learners = [...new Set(stages.flatMap(({ trained }) => trained.map(({ learner }) => learner)))];
    const lines = learners.flatMap((learner): readonly Line[] => {
      const line = { learner, colour: colourOf(learner) };
      const { train, validation } = wanted;
      const training = pointsOf(stages, learner, 'training', train);
      return [
        { ...line, name: learner, split: 'train', points: training },
        ...(validation
          ? [
              {
                ...{ ...line, name: `${learner}, validation`, split: 'validation' as const },
                points: pointsOf(stages, learner, 'validation', named(validation)),
              },
            ]
          : []),
      ];
    });
    return plotOf(
      wanted,
      lines,
      stages.map(({ mark }) => mark),
    );
  };
}

/** Colours of stages, as many as the style has. */
const STAGE_COLOURS = 10;

/** Stages over each other, from their step 0 on: the validations of each learner, or its batches where a plot has no validations. */
function overlaid(wanted: Wanted, stages: readonly StageShown[]): Plot {
  const { train, validation } = wanted;
  const first = stages[0]?.trained[0]?.learner;
  const linesOf = (curve: 'training' | 'validation', pick: Wanted['train']) =>
    stages.flatMap((stage, index) =>
      stage.trained.map(({ learner }): Line => {
        const { mark } = stage;
        return {
          ...{ learner, name: `${learner}, ${mark.short}`, colour: `run-${(index % STAGE_COLOURS) + 1}` },
          ...(learner !== first && { dashed: true }),
          split: curve === 'training' ? 'train' : 'validation',
          points: pointsOf([{ ...stage, mark: { ...mark, at: 0 } }], learner, curve, pick),
        };
      }),
    );
  const validated = validation === undefined ? [] : linesOf('validation', named(validation));
  const lines = validated.some(({ points }) => points.size > 0) ? validated : linesOf('training', train);
  return plotOf(wanted, lines, [{ at: 0, stage: 0, label: 'newest', short: '' }]);
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

/** Participants that look the same in every run. */
const OWN: readonly string[] = ['student', 'teacher', 'anchor'];

/** Colours for the others, as many as the style has. */
const MORE = 6;

/** The class, and the custom property, with the colour of a participant of a run: one for each as far as they reach. */
export function coloursIn(run: Run | undefined): (participant: string) => string {
  const others = run ? participantsIn(run).filter((name) => !OWN.includes(name)) : [];
  return (participant) => {
    if (OWN.includes(participant)) return participant;
    const place = others.indexOf(participant);
    return `participant-${((place < 0 ? others.length : place) % MORE) + 1}`;
  };
}
