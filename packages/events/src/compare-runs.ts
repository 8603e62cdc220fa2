import { settingsIn } from '@trikd/core/spec/settings-in';
import type { Metric } from '@trikd/core/tasks/metric';
import { measured } from '@trikd/core/tasks/metrics';
import type { Score } from '@trikd/protocol/gen/browser/trikd/v1/common';
import type { GenerationResult, Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { phaseName, stageText } from './names.js';
import { bestOf, decisiveOf } from './run-result.js';
import { methodIn, modelsIn, seedIn, specIn } from './spec-text.js';

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
  const { runId, spec, phase, progress, generations } = run;
  const [method, seed, seconds] = [methodIn(spec), seedIn(spec), secondsOf(run)];
  const best = bestOf(run);
  const result = best && resultOf(best, run);
  const ended = generations.reduce((sum, { steps }) => sum + steps, 0);
  return {
    ...{ runId, phase: phaseName(phase), models: modelsIn(spec), steps: Math.max(progress?.stepsDone ?? 0, ended) },
    ...(method !== undefined && { method }),
    ...(seed !== undefined && { seed }),
    ...(seconds !== undefined && { seconds }),
    ...(result && { result }),
  };
}

function resultOf(best: GenerationResult, run: Run): ComparedResult | undefined {
  const learner = decisiveOf(best, run);
  const reached = best.learners.find(({ participant }) => participant === learner)?.best;
  if (!reached?.validation) return undefined;
  const { validation, test, params } = reached;
  return {
    ...{ learner, stage: stageText(best.stage, best.generation), bytes: params?.bytes ?? 0 },
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
