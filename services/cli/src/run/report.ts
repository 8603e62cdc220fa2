import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import type { BestParams, Score } from '@trikd/core/domain/role-checkpoint';
import { bestStage } from '@trikd/core/run/promotion';
import { type FrozenScores, resumePair, type StageResult } from '@trikd/core/run/state';
import type { SavedRun } from '@trikd/core/run/stored/run-store';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import type { Metric } from '@trikd/core/tasks/metric';
import { measured } from '@trikd/core/tasks/metrics';
import { isGeneration, primaryText, stageText, valueText } from '@trikd/events/names';
import Table from 'cli-table3';
import type { Override } from '../options/load-spec.js';
import { inOrderOf, stageOf } from './participants.js';
import type { RunFolder } from './run-folder.js';
import { placeInStore } from './run-store.js';

/** Where a stored run continues, as a sentence; undefined when it has not started. */
export function whereItContinues({ spec, state }: SavedRun): string | undefined {
  if (state.phase === 'completed') return undefined;
  const step = resumePair(state)?.step ?? 0;
  if (state.stage === 0 && step === 0) return undefined;
  const from = state.phase === 'promoting' ? 'its promotion' : step === 0 ? 'its beginning' : `step ${step}`;
  const { stage: stageIndex } = state;
  const stages = stagesOf(spec).length;
  const stage = stageText(stageOf(spec, stageIndex).name, stageIndex);
  return `continuing run ${spec.name}: ${stage} (${stageIndex + 1} of ${stages}), from ${from}`;
}

/** The result of a run, for people. */
export function reportTable({ spec, state }: SavedRun, folder: RunFolder, started: StartedWith): string {
  const best = bestStage(state.results, spec);
  return [
    ...(state.results.length > 0 ? [resultsTable(shownResults(spec, state.results), best)] : []),
    ...(best === undefined ? [] : [`result       ${resultText(spec, state, best, folder)}`]),
    `checkpoints  ${shownStore(folder)}`,
    `logs         ${place(folder.logs)}, events ${place(folder.events)}`,
    ...(existsSync(folder.report) ? [`report       ${place(folder.report)}`] : []),
    `curves       tensorboard --logdir ${place(folder.tensorboard)}`,
    ...(state.phase === 'completed' ? [`next         ${whatNext(spec, state.results, started)}`] : []),
  ].join('\n');
}

/** The model that the run is for, and where its params are. @param best the index of its stage */
function resultText(spec: RunSpec, { results }: SavedRun['state'], best: number, folder: RunFolder): string {
  const { name, decisive } = stageOf(spec, best);
  const key = results[best]?.learners[decisive]?.best.params.key;
  return `the ${decisive} of ${stageText(name, best)}: ${shownStore(folder, key)}`;
}

function shownStore({ store }: RunFolder, key?: string): string {
  const text = placeInStore(store, key);
  return store.kind === 'folder' ? place(text) : text;
}

/** A path below the current folder, relative to it. */
function place(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

/** The result of a run, for programs: one line of JSON. */
export function reportJson({ spec, state }: SavedRun, folder: RunFolder): string {
  return JSON.stringify({
    event: 'result',
    runId: spec.name,
    phase: state.phase,
    bestStage: bestStage(state.results, spec),
    stages: state.results,
    ...(state.phase === 'failed' && { failure: state.reason }),
    store: placeInStore(folder.store),
    logs: folder.logs,
    events: folder.events,
    tensorboard: folder.tensorboard,
    ...(existsSync(folder.report) && { report: folder.report }),
  });
}

/** The part of a trained model that the table shows. */
type ShownBest = Omit<BestParams, 'params'>;

/** The part of a stage that the table shows. */
export interface ShownResult {
  /** The index of the stage. */
  readonly stage: number;
  /** The name of the stage. */
  readonly stageName: string;
  /** By name, in the order of the stage. */
  readonly learners: Readonly<Record<string, ShownBest>>;
  /** By name. */
  readonly frozen: Readonly<Record<string, FrozenScores>>;
  /** The learner that the stage is judged by. */
  readonly decisive: string;
  /** Whether that one could be promoted. */
  readonly promotes: boolean;
  readonly promoted: boolean;
}

/**
 * All stages that have ended as a table: the primary metric of each model on both splits, the next one on the test split, and whether it
 * was promoted.
 * @param best index of the stage whose decisive learner is the result
 */
export function resultsTable(results: readonly ShownResult[], best: number | undefined): string {
  const generations = results.every(({ stageName }) => isGeneration(stageName));
  const scored = results.flatMap(({ learners }) => Object.values(learners))[0];
  const second = scored && measured(scored.validation.metrics)[1]?.metric;
  const table = new Table({
    head: [
      ...['stage', 'model', 'validation', 'test'],
      ...(second ? [`${second.label} (test)`] : []),
      ...['steps', ''],
    ],
    colAligns: [
      ...[generations ? ('right' as const) : ('left' as const), 'left' as const, 'right' as const, 'right' as const],
      ...(second ? ['right' as const] : []),
      ...['right' as const, 'left' as const],
    ],
    style: { head: [], border: [], compact: true },
  });
  for (const result of results) {
    const { stage, stageName, learners, frozen, decisive } = result;
    const rows = [
      ...Object.entries(learners).map(([name, trained]) => [
        ...[name, ...scores(trained.validation, trained.test, second), String(trained.step)],
        name === decisive ? fateOf(result, results.length - 1, best) : '',
      ]),
      ...Object.entries(frozen).map(([name, { validation, test }]) => [
        ...[name, ...scores(validation, test, second), '', ''],
      ]),
    ];
    const place = generations ? String(stage) : `${stage} ${stageName}`;
    table.push(...rows.map((row, index) => [index === 0 ? place : '', ...row]));
  }
  return table.toString();
}

/** @param last index of the newest result: whether it is promoted may not be decided yet */
function fateOf({ stage, promotes, promoted }: ShownResult, last: number, best: number | undefined): string {
  const fate = promoted ? 'promoted' : promotes && stage !== last ? 'not promoted' : '';
  return [fate, stage === best ? 'best' : ''].filter((word) => word !== '').join(', ');
}

function scores(validation: Score, test: Score | undefined, second: Metric | undefined): string[] {
  const primary = [validation, test].map((score) => primaryText(score?.metrics) ?? '');
  return second ? [...primary, valueText(second, test)] : primary;
}

/** The results in the state of a run, as a table shows them. */
export function shownResults(spec: RunSpec, results: readonly StageResult[]): readonly ShownResult[] {
  return results.map(({ stage, learners, frozen = {}, candidate, promoted }) => {
    const { name, decisive } = stageOf(spec, stage);
    const best = inOrderOf(spec, Object.keys(learners)).map((each) => [each, learners[each]!.best] as const);
    return {
      ...{ stage, stageName: name, learners: Object.fromEntries(best), frozen },
      ...{ decisive, promotes: candidate !== undefined, promoted },
    };
  });
}

/** The command that a run was started with. */
interface StartedWith {
  readonly file: string;
  readonly overrides: readonly Override[];
}

/** A command worth trying after a run, with the settings that it was started with, and why. */
export function whatNext(spec: RunSpec, results: readonly StageResult[], { file, overrides }: StartedWith): string {
  const best = bestStage(results, spec);
  const more = best === results.length - 1 && (stagesOf(spec)[best]?.generation ?? 0) > 0;
  const changes: Readonly<Record<string, string>> = more
    ? { 'curriculum.generations': `${spec.curriculum.generations + 2}`, name: `${spec.name}-longer` }
    : { seed: `${spec.seed + 1}`, name: `${spec.name}-seed-${spec.seed + 1}` };
  const kept = overrides.filter(({ path }) => changes[path.join('.')] === undefined);
  const settings = [
    ...kept.map(({ path, value }) => `--set ${quoted(`${path.join('.')}=${value}`)}`),
    ...Object.entries(changes).map(([path, value]) => (path === 'seed' ? `--seed ${value}` : `--set ${path}=${value}`)),
  ];
  const why = more ? 'the last generation was the best, so try more' : 'one seed proves little, so try another';
  return `${why}: trikd run ${quoted(file)} ${settings.join(' ')}`;
}

/** A word of a shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
