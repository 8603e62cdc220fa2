import { bestStage } from '@trikd/core/run/promotion';
import type { GenerationResult } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import type { Override } from './load-spec.js';

/** The command that a run was started with. */
export interface StartedWith {
  readonly file: string;
  readonly overrides: readonly Override[];
}

/** A command worth trying after a run, with the settings that it was started with, and why. */
export function whatNext(
  spec: RunSpec,
  results: readonly GenerationResult[],
  { file, overrides }: StartedWith,
): string {
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
