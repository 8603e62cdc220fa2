import type { BestParams } from '@trikd/core/domain/role-checkpoint';
import type { Score } from '@trikd/core/domain/score';
import { bestGeneration } from '@trikd/core/run/promotion';
import type { GenerationResult } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { lossText } from '@trikd/events/words';
import Table from 'cli-table3';

/** A model that was trained, as far as the table shows it. */
type ShownBest = Omit<BestParams, 'params'>;

/** What the table shows of a generation. */
export interface ShownResult extends Pick<GenerationResult, 'generation' | 'promoted' | 'anchorScores'> {
  readonly student: ShownBest;
  readonly teacher: ShownBest;
}

/**
 * All generations as a table: each model's accuracy on both splits, its NLL on the test split, and what became of it.
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
  const percent = (score: Score | undefined) => (score ? `${(100 * score.accuracy).toFixed(2)} %` : '');
  return [percent(validation), percent(test), test ? lossText(test.nll, 4) : ''];
}

/** What a reader of the table may want to do now. */
export function whatNext(spec: RunSpec, results: readonly GenerationResult[]): string {
  const best = bestGeneration(results);
  const named = (suffix: string) => `--set name=${spec.name}-${suffix}`;
  if (best !== undefined && best > 0 && best === results.length - 1) {
    const more = spec.curriculum.generations + 2;
    return `the last generation was the best: see whether more help, --set curriculum.generations=${more} ${named('longer')}`;
  }
  return `one seed is an anecdote: repeat it with --seed ${spec.seed + 1} ${named(`seed-${spec.seed + 1}`)}`;
}
