import type { BestParams } from '@trikd/core/domain/role-checkpoint';
import type { Score } from '@trikd/core/domain/score';
import type { GenerationResult } from '@trikd/core/run/state';
import { lossText } from '@trikd/events/names';
import Table from 'cli-table3';
import { percent } from './texts.js';

/** The part of a trained model that the table shows. */
type ShownBest = Omit<BestParams, 'params'>;

/** The part of a generation that the table shows. */
export interface ShownResult extends Pick<GenerationResult, 'generation' | 'promoted' | 'anchorScores'> {
  readonly student: ShownBest;
  readonly teacher: ShownBest;
}

/**
 * All generations as a table: the accuracy of each model on both splits, its NLL on the test split, and whether it was promoted.
 * @param best generation whose student is the result
 */
export function resultsTable(results: readonly ShownResult[], best: number | undefined): string {
  const table = new Table({
    head: ['generation', 'model', 'validation', 'test', 'NLL (test)', 'steps', ''],
    colAligns: ['right', 'left', 'right', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const result of results) {
    const last = result.generation === results.length - 1;
    const fate = [
      result.promoted ? 'promoted' : last ? '' : 'not promoted',
      ...(result.generation === best ? ['best'] : []),
    ].filter((word) => word !== '');
    table.push(
      [result.generation, 'student', ...trained(result.student), fate.join(', ')],
      ['', 'teacher', ...trained(result.teacher), ''],
    );
    const { anchorScores } = result;
    if (anchorScores) table.push(['', 'anchor', ...scores(anchorScores.validation, anchorScores.test), '', '']);
  }
  return table.toString();
}

function trained({ validation, test, step }: ShownBest): string[] {
  return [...scores(validation, test), String(step)];
}

function scores(validation: Score, test: Score | undefined): string[] {
  return [percent(validation), percent(test), test ? lossText(test.nll, 4) : ''];
}
