import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { gainOver, type Metric } from '@trikd/core/tasks/metric';
import { taskOf } from '@trikd/core/tasks/task-of';
import Table from 'cli-table3';
import { loadSettings } from '../../options/load-spec.js';
import { print, type Shell, say } from '../../terminal/shell.js';
import { formatted } from '../../terminal/texts.js';
import { type Cell, runOf } from '../study/cells.js';
import { knownFacts, plannedCompute } from '../study/compute.js';
import { spreadText } from '../study/page/markdown.js';
import { readRows, removeCutLine } from '../study/results-file.js';
import { type Sample, sampleOf } from '../study/statistics.js';
import { seedsOf } from '../study/study-spec.js';
import { computeText } from '../study/time-left.js';
import { train } from '../study/train-cells.js';
import type { TuneOptions } from './command.js';
import { rungsOf, settingsAt, type Trial, TuneSpec, trialsOf } from './trials.js';

/** `trikd tune`: successive halving. @throws TrikdError for everything that a user can correct */
export async function tune(options: TuneOptions, shell: Shell): Promise<void> {
  const spec = loadSettings(options.file, options.overrides, TuneSpec);
  const facts = knownFacts(shell.env);
  const folder = options.out ?? join('studies', spec.name);
  const file = join(folder, 'results.jsonl');
  const rungs = rungsOf(spec);
  let trials = trialsOf(spec);
  const cellsOf = (share: number, rung: number) =>
    Promise.all(
      trials.flatMap((trial) => {
        return seedsOf(spec.seeds).map(async (seed): Promise<Cell> => {
          const run = trialRun(spec, trial, share, seed);
          const compute = plannedCompute(run, await facts(run));
          return {
            setting: `rung-${rung}`,
            arm: `trial-${trial.index}`,
            seed,
            spec: run,
            digest: specDigest(run),
            compute,
          };
        });
      }),
    );
  // Every point is checked before the first one trains.
  const first = await cellsOf(rungs[0]!.share, 0);
  say(shell, `budget: ${computeText(budget(first, rungs))}`);
  mkdirSync(folder, { recursive: true });
  removeCutLine(file);
  let ranked: readonly Ranked[] = [];
  let spent = 0;
  for (const [rung, { trials: count, share }] of rungs.entries()) {
    trials = trials.slice(0, count);
    const cells = rung === 0 ? first : await cellsOf(share, rung);
    const done = new Set(readRows(file).map(({ digest }) => digest));
    const missing = cells.filter(({ digest }) => !done.has(digest));
    say(
      shell,
      `rung ${rung + 1} of ${rungs.length}: ${trials.length} trials, ${cells[0]!.spec.epochs} epochs of each stage`,
    );
    if (missing.length > 0) await train(missing, file, options, shell);
    ranked = rank(cells, trials, file);
    spent += cells.reduce((sum, { compute }) => sum + compute, 0);
    trials = ranked.map(({ trial }) => trial);
  }
  const best = settingsAt(spec, ranked[0]!.trial);
  writeFileSync(
    join(folder, 'best.yaml'),
    `# ${spec.name}: the best of ${spec.trials} trials by validation\n${formatted({ name: spec.name, ...best }, 'yaml')}\n`,
  );
  const { primary } = taskOf(first[0]!.spec);
  const result = {
    tune: spec.name,
    spent,
    ranked: ranked.map(({ trial, validation }) => ({ point: trial.point, validation })),
  };
  print(shell, options.output === 'table' ? tuneTable(ranked, primary) : formatted(result, options.output));
  say(shell, `spent: ${computeText(spent)}; the settings of the best trial are in ${join(folder, 'best.yaml')}`);
}

/** Rungs have the same number of epochs but for rounding. */
function budget(first: readonly Cell[], rungs: ReturnType<typeof rungsOf>): number {
  const perTrial = first.reduce((sum, { compute }) => sum + compute, 0) / rungs[0]!.trials;
  return rungs.reduce((sum, { trials, share }) => sum + (trials * perTrial * share) / rungs[0]!.share, 0);
}

function trialRun(spec: TuneSpec, trial: Trial, share: number, seed: number): RunSpec {
  const settings = settingsAt(spec, trial);
  const epochs =
    typeof settings['epochs'] === 'number' ? Math.max(1, Math.round(settings['epochs'] * share)) : settings['epochs'];
  const name = `${spec.name}-${trial.index}-${seed}`;
  return runOf(
    { ...settings, epochs, name, seed },
    `trial ${trial.index} of ${spec.name}, ${JSON.stringify(trial.point)}`,
  );
}

/** The trials of a rung from the best on, by the mean of the primary metric on validation; of equals, the earlier one. */
function rank(cells: readonly Cell[], trials: readonly Trial[], file: string): readonly Ranked[] {
  const { primary } = taskOf(cells[0]!.spec);
  const rows = new Map(readRows(file).map((row) => [row.digest, row]));
  const ranked = trials.map((trial): Ranked => {
    const own = cells.filter(({ arm }) => arm === `trial-${trial.index}`);
    return { trial, validation: sampleOf(own.map(({ digest }) => rows.get(digest)!.result.validation[primary.name]!)) };
  });
  return ranked.sort(
    (a, b) => gainOver(primary.better, b.validation.mean, a.validation.mean) || a.trial.index - b.trial.index,
  );
}

/** A trial, and how it validated in its last rung. */
interface Ranked {
  readonly trial: Trial;
  readonly validation: Sample;
}

/** The trials of the last rung, the best first. */
function tuneTable(ranked: readonly Ranked[], primary: Metric): string {
  const axes = Object.keys(ranked[0]!.trial.point);
  const table = new Table({
    head: ['trial', `validation ${primary.label}`, ...axes],
    colAligns: ['right', 'right', ...axes.map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const { trial, validation } of ranked) {
    table.push([trial.index, spreadText(primary, validation), ...axes.map((axis) => String(trial.point[axis]))]);
  }
  return table.toString();
}
