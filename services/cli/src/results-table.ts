import type { BestParams } from '@trikd/core/domain/role-checkpoint';
import type { Score } from '@trikd/core/domain/score';
import type { FrozenScores } from '@trikd/core/run/state';
import type { Metric } from '@trikd/core/tasks/metric';
import { measured } from '@trikd/core/tasks/metrics';
import { primaryText, valueText } from '@trikd/events/metric-text';
import { isGeneration } from '@trikd/events/names';
import Table from 'cli-table3';

/** The part of a trained model that the table shows. */
type ShownBest = Omit<BestParams, 'params'>;

/** The part of a stage that the table shows. */
export interface ShownResult {
  /** The index of the stage. */
  readonly generation: number;
  /** The name of the stage. */
  readonly stage: string;
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
  const generations = results.every(({ stage }) => isGeneration(stage));
  const scored = results.flatMap(({ learners }) => Object.values(learners))[0];
  const second = scored && measured(scored.validation.metrics)[1]?.metric;
  const table = new Table({
    head: [
      ...[generations ? 'generation' : 'stage', 'model', 'validation', 'test'],
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
    const { generation, stage, learners, frozen, decisive } = result;
    const rows = [
      ...Object.entries(learners).map(([name, trained]) => [
        ...[name, ...scores(trained.validation, trained.test, second), String(trained.step)],
        name === decisive ? fateOf(result, results.length - 1, best) : '',
      ]),
      ...Object.entries(frozen).map(([name, { validation, test }]) => [
        ...[name, ...scores(validation, test, second), '', ''],
      ]),
    ];
    const place = generations ? String(generation) : `${generation} ${stage}`;
    table.push(...rows.map((row, index) => [index === 0 ? place : '', ...row]));
  }
  return table.toString();
}

/** @param last index of the newest result: whether it is promoted may not be decided yet */
function fateOf({ generation, promotes, promoted }: ShownResult, last: number, best: number | undefined): string {
  const fate = promoted ? 'promoted' : promotes && generation !== last ? 'not promoted' : '';
  return [fate, generation === best ? 'best' : ''].filter((word) => word !== '').join(', ');
}

function scores(validation: Score, test: Score | undefined, second: Metric | undefined): string[] {
  const primary = [validation, test].map((score) => primaryText(score?.metrics) ?? '');
  return second ? [...primary, valueText(second, test)] : primary;
}
