import { settingsIn } from '@trikd/core/spec/settings-in';
import type { Metric } from '@trikd/core/tasks/metric';
import { measured } from '@trikd/core/tasks/metrics';
import type { Score } from '@trikd/protocol/gen/browser/trikd/v1/common';
import type { Run, StageResult } from '@trikd/protocol/gen/browser/trikd/v1/run';
import type { Curve } from './curve.js';
import { methodIn, modelsIn, phaseName, seedIn, specIn, stageText } from './names.js';
import type { RunHistory, StageHistory } from './run-history.js';

/** The model that a run has come to so far. */
export interface ComparedResult {
  /** `student`. */
  readonly learner: string;
  /** `generation 2`. */
  readonly stage: string;
  /** Metrics by name. */
  readonly validation: Score['metrics'];
  /** Absent where it was not measured. */
  readonly test?: Score['metrics'];
  /** Of its params in the store. */
  readonly bytes: number;
}

/** One run among those that are compared. */
export interface ComparedRun {
  readonly runId: string;
  /** `completed`. */
  readonly phase: string;
  /** Absent where the spec is not known, as the seed. */
  readonly method?: string;
  readonly seed?: number;
  /** The networks by the name of their learner: `resnet, depth 8`. */
  readonly models: Readonly<Record<string, string>>;
  /** Absent before there is one. */
  readonly result?: ComparedResult;
  /** Trained so far. */
  readonly steps: number;
  /** From its creation to its end, or to its last change; absent where they are not known. */
  readonly seconds?: number;
}

/** A setting in which runs differ. */
export interface SettingDifference {
  /** `student.learningRate`. */
  readonly path: string;
  /** As JSON, one for each run; undefined where a run does not have the setting. */
  readonly values: readonly (string | undefined)[];
}

/** A setting of runs, whether they differ in it or not. */
export interface ComparedSetting extends SettingDifference {
  readonly differs: boolean;
}

/** Runs side by side, in the order in which they were named. */
export interface RunComparison {
  readonly runs: readonly ComparedRun[];
  /** Those that a result has, in the order in which they are shown: the one that decides comes first. */
  readonly metrics: readonly Metric[];
  /** Settings in which not all runs with a known spec are equal, by path; their names are left out. */
  readonly differences: readonly SettingDifference[];
}

/** Compares runs by their scores and their specs. */
export function compareRuns(runs: readonly Run[]): RunComparison {
  const compared = runs.map(comparedRun);
  const scores = compared.flatMap(({ result }) => (result ? [result.validation, result.test ?? {}] : []));
  return {
    runs: compared,
    metrics: measured(Object.assign({}, ...scores)).map(({ metric }) => metric),
    differences: differencesOf(runs.map(({ spec }) => specIn(spec))),
  };
}

/** What a comparison says of one run. */
export function comparedRun(run: Run): ComparedRun {
  const { runId, spec, phase, progress, stages } = run;
  const [method, seed, seconds] = [methodIn(spec), seedIn(spec), secondsOf(run)];
  const best = bestOf(run);
  const result = best && resultOf(best, run);
  const ended = stages.reduce((sum, { steps }) => sum + steps, 0);
  return {
    ...{ runId, phase: phaseName(phase), models: modelsIn(spec), steps: Math.max(progress?.stepsDone ?? 0, ended) },
    ...(method !== undefined && { method }),
    ...(seed !== undefined && { seed }),
    ...(seconds !== undefined && { seconds }),
    ...(result && { result }),
  };
}

function resultOf(best: StageResult, run: Run): ComparedResult | undefined {
  const learner = decisiveOf(best, run);
  const reached = best.learners.find(({ participant }) => participant === learner)?.best;
  if (!reached?.validation) return undefined;
  const { validation, test, params } = reached;
  return {
    ...{ learner, stage: stageText(best.stageName, best.stage), bytes: params?.bytes ?? 0 },
    ...{ validation: validation.metrics, ...(test && { test: test.metrics }) },
  };
}

function secondsOf({ createTime, endTime, updateTime }: Run): number | undefined {
  const last = endTime ?? updateTime;
  if (createTime === undefined || last === undefined) return undefined;
  return Math.max(0, Date.parse(last) - Date.parse(createTime)) / 1000;
}

/** All settings in which specs differ. @param specs JSON values; undefined for a spec that is not known, which says nothing */
export function differencesOf(specs: readonly unknown[]): readonly SettingDifference[] {
  return comparedSettings(specs).flatMap(({ differs, ...setting }) => (differs ? [setting] : []));
}

/** All settings of specs by path, but their names. @param specs JSON values; undefined for a spec that is not known, which says nothing */
export function comparedSettings(specs: readonly unknown[]): readonly ComparedSetting[] {
  const settings = specs.map((spec) => (spec === undefined ? undefined : settingsIn(spec)));
  const paths = [...new Set(settings.flatMap((each) => [...(each?.keys() ?? [])]))].filter((path) => path !== 'name');
  return paths.sort().map((path) => {
    const known = settings.flatMap((each) => (each ? [each.get(path)] : []));
    return { path, values: settings.map((each) => each?.get(path)), differs: new Set(known).size > 1 };
  });
}

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

function linesOf({ run, stages }: RunHistory, wanted: readonly string[] | undefined): readonly Line[] {
  const names = [...new Set(stages.flatMap(({ learners }) => Object.keys(learners)))];
  return names
    .filter((name) => wanted === undefined || wanted.includes(name))
    .map((learner) => ({ runId: run?.runId ?? '', learner, points: pointsOf(learner, stages) }));
}

function pointsOf(learner: string, stages: readonly StageHistory[]): Line['points'] {
  const points = new Map<number, Readonly<Record<string, number>>>();
  let start = 0;
  for (const { learners, totalSteps } of stages) {
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

/** The part of an ended stage that says what it came to. */
interface EndedStage {
  readonly stage: number;
  readonly stageName: string;
  readonly candidate: string;
  readonly learners: readonly { readonly participant: string }[];
}

/** The part of a run that says which of its stages is the result. */
interface RunWithResults<Result extends EndedStage> {
  readonly stages: readonly Result[];
  readonly bestStage: number;
  readonly stageCount: number;
}

/** The result of a run so far. The message has a number even where there is none: before the last stage of a run without candidates. */
export function bestOf<Result extends EndedStage>({
  stages,
  bestStage,
  stageCount,
}: RunWithResults<Result>): Result | undefined {
  const best = stages.find(({ stage }) => stage === bestStage);
  return best && (best.candidate !== '' || stages.length === stageCount) ? best : undefined;
}

/** The learner that a stage is judged by. Messages name it for stages with a candidate, and for the newest stage. */
export function decisiveOf(
  { stageName, candidate, learners }: EndedStage,
  run: { readonly currentStage?: { readonly name: string; readonly decisive: string } | undefined },
): string {
  if (candidate !== '') return candidate;
  if (run.currentStage?.name === stageName) return run.currentStage.decisive;
  const names = learners.map(({ participant }) => participant);
  return names.find((name) => name === 'student') ?? names[0] ?? '';
}
