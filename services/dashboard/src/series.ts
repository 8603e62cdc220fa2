import type { Metric } from '@trikd/core/tasks/metric';
import { METRICS } from '@trikd/core/tasks/metrics';
import type { Curve } from '@trikd/events/curve';
import type { TrainedRole } from '@trikd/events/names';
import type { RunHistory } from '@trikd/events/run-history';
import { taskWeight } from '@trikd/events/spec-text';

/** One line of a plot. */
export interface Series {
  readonly role: TrainedRole;
  readonly split: 'train' | 'validation';
  /** One value for each step of the plot; undefined where there is none. */
  readonly values: readonly (number | undefined)[];
}

/** A plot over the steps of one generation, or of all generations in sequence. */
export interface Plot {
  readonly title: string;
  readonly share: boolean;
  /** Steps since the start of the first generation shown. */
  readonly steps: readonly number[];
  readonly series: readonly Series[];
  /** Where generations start. */
  readonly marks: readonly { readonly at: number; readonly generation: number }[];
}

interface Wanted {
  readonly title: string;
  readonly share?: boolean;
  readonly train: (
    role: TrainedRole,
    spec: string,
  ) => ((values: Readonly<Record<string, number>>) => number | undefined) | undefined;
  readonly validation?: string;
}

const named = (name: string) => () => (values: Readonly<Record<string, number>>) => values[name];

const PLOTS: readonly Wanted[] = [
  ...METRICS.map(plotOfMetric),
  { title: 'Task loss', train: named('task') },
  { title: 'Distillation loss from the anchor', train: named('anchor') },
  { title: 'Distillation loss from the peer', train: named('peer') },
  { title: 'Gradient norm', train: named('gradientNorm') },
];

function plotOfMetric({ name, title, format, isTaskLoss }: Metric): Wanted {
  return { title, share: format === 'share', train: isTaskLoss ? taskLoss : named(name), validation: name };
}

/** At weight 1. */
function taskLoss(role: TrainedRole, spec: string) {
  const weight = taskWeight(spec, role);
  if (weight === undefined) return undefined;
  return ({ task }: Readonly<Record<string, number>>) => (task === undefined ? undefined : task / weight);
}

const ROLES: readonly TrainedRole[] = ['student', 'teacher'];

/** The plots that have values. */
export function plotsOf(history: RunHistory, generation?: number): readonly Plot[] {
  return PLOTS.map((wanted) => plotOf(history, wanted, generation)).filter(({ series }) => series.length > 0);
}

function plotOf(history: RunHistory, wanted: Wanted, generation: number | undefined): Plot {
  const shown = history.generations.filter((each) => generation === undefined || each.generation === generation);
  const lines = ROLES.flatMap((role) => {
    const train = wanted.train(role, history.run?.spec ?? '');
    const { validation } = wanted;
    return [
      ...(train ? [{ role, split: 'train' as const, curve: 'training' as const, pick: train }] : []),
      ...(validation
        ? [{ role, split: 'validation' as const, curve: 'validation' as const, pick: named(validation)() }]
        : []),
    ];
  });
  const points = lines.map(() => new Map<number, number>());
  const marks: { at: number; generation: number }[] = [];
  let offset = 0;
  for (const each of shown) {
    marks.push({ at: offset, generation: each.generation });
    lines.forEach(({ role, curve, pick }, index) => {
      for (const { last, values } of each.roles[role][curve].points) {
        const picked = pick(values);
        if (picked !== undefined) points[index]?.set(offset + last, picked);
      }
    });
    offset += lengthOf(
      each.totalSteps,
      Object.values(each.roles).flatMap(({ training, validation }) => [training, validation]),
    );
  }
  const steps = [...new Set(points.flatMap((line) => [...line.keys()]))].sort((a, b) => a - b);
  const series = lines.flatMap(({ role, split }, index) => {
    const line = points[index];
    return line && line.size > 0 ? [{ role, split, values: steps.map((step) => line.get(step)) }] : [];
  });
  return { title: wanted.title, share: wanted.share ?? false, steps, series, marks };
}

/** Trained steps of a generation, which can end early; its budget before its first step. */
function lengthOf(totalSteps: number, curves: readonly Curve[]): number {
  const trained = Math.max(0, ...curves.map(({ points }) => points.at(-1)?.last ?? 0));
  return trained > 0 ? trained : totalSteps;
}

/** The newest value of a line. */
export function newest({ values }: Series): number | undefined {
  return values.findLast((each) => each !== undefined);
}
