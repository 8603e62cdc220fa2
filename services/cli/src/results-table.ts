import type { BestParams } from '@trikd/core/domain/role-checkpoint';
import type { Score } from '@trikd/core/domain/score';
import type { GenerationResult } from '@trikd/core/run/state';
import type { Metric } from '@trikd/core/tasks/metric';
import { measured } from '@trikd/core/tasks/metrics';
import { primaryText, valueText } from '@trikd/events/metric-text';
import Table from 'cli-table3';

/** The part of a trained model that the table shows. */
type ShownBest = Omit<BestParams, 'params'>;

/** The part of a generation that the table shows. */
export interface ShownResult extends Pick<GenerationResult, 'generation' | 'promoted' | 'anchorScores'> {
  readonly student: ShownBest;
  readonly teacher: ShownBest;
}

/**
 * All generations as a table: the primary metric of each model on both splits, the next one on the test split, and whether it was
 * promoted.
 * @param best generation whose student is the result
 */
export function resultsTable(results: readonly ShownResult[], best: number | undefined): string {
  const [first] = results;
  const second = first && measured(first.student.validation.metrics)[1]?.metric;
  const table = new Table({
    head: ['generation', 'model', 'validation', 'test', ...(second ? [`${second.label} (test)`] : []), 'steps', ''],
    colAligns: ['right', 'left', 'right', 'right', ...(second ? ['right' as const] : []), 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const result of results) {
    const last = result.generation === results.length - 1;
    const fate = [
      result.promoted ? 'promoted' : last ? '' : 'not promoted',
      ...(result.generation === best ? ['best'] : []),
    ].filter((word) => word !== '');
    table.push(
      [result.generation, 'student', ...trained(result.student, second), fate.join(', ')],
      ['', 'teacher', ...trained(result.teacher, second), ''],
    );
    const { anchorScores } = result;
    if (anchorScores) table.push(['', 'anchor', ...scores(anchorScores.validation, anchorScores.test, second), '', '']);
  }
  return table.toString();
}

function trained({ validation, test, step }: ShownBest, second: Metric | undefined): string[] {
  return [...scores(validation, test, second), String(step)];
}

function scores(validation: Score, test: Score | undefined, second: Metric | undefined): string[] {
  const primary = [validation, test].map((score) => primaryText(score?.metrics) ?? '');
  return second ? [...primary, valueText(second, test)] : primary;
}
