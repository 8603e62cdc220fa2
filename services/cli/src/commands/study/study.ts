import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { taskOf } from '@trikd/core/tasks/task-of';
import { loadSettings } from '../../options/load-spec.js';
import { print, type Shell, say, withProgress } from '../../terminal/shell.js';
import { formatted } from '../../terminal/texts.js';
import { type Cell, cellsOf } from './cells.js';
import type { StudyOptions } from './command.js';
import { knownFacts } from './compute.js';
import { plotFile } from './page/draw.js';
import { studyPage } from './page/html.js';
import { type StudyFacts, studyTables } from './page/markdown.js';
import { studyPlots } from './page/plots.js';
import { type Row, readRows, removeCutLine } from './results-file.js';
import { type Finding, findingsOf, type Outline } from './statistics.js';
import { StudySpec } from './study-spec.js';
import { computeText, durationText } from './time-left.js';
import { train } from './train-cells.js';

/** `trikd study`. @throws TrikdError for everything that a user can correct */
export async function study(options: StudyOptions, shell: Shell): Promise<void> {
  const spec = loadSettings(options.file, options.overrides, StudySpec);
  const cells = await withProgress(shell, (report) => {
    report('reading data ...');
    return cellsOf(spec, knownFacts(shell.env));
  });
  if (options.show !== undefined) return showSpec(cells, options.show, shell);
  const folder = options.out ?? join('studies', spec.name);
  const file = join(folder, 'results.jsonl');
  const wanted = cells.filter((cell) => chosen(cell, options));
  if (wanted.length === 0) throw new TrikdError('invalid', 'no run of the study is chosen: see --arm and --setting');
  const done = new Set(readRows(file).map(({ digest }) => digest));
  const missing = wanted.filter(({ digest }) => !done.has(digest));
  if (options.plan) return print(shell, planText(wanted, missing, readRows(file)));
  mkdirSync(folder, { recursive: true });
  keepFile(options.file, folder);
  removeCutLine(file);
  if (missing.length > 0 && !options.reportOnly) await train(missing, file, options, shell);
  writeReports(spec, cells, folder, options, shell);
}

function chosen({ arm, setting, spec: { seed } }: Cell, { arms, settings, seeds }: StudyOptions): boolean {
  const among = <T>(list: readonly T[], value: T) => list.length === 0 || list.includes(value);
  return among(arms, arm) && among(settings, setting) && among(seeds, seed);
}

function showSpec(cells: readonly Cell[], digest: string, shell: Shell): void {
  const found = cells.find((cell) => cell.digest.startsWith(digest));
  if (!found) throw new TrikdError('not-found', `no run of the study has the digest ${digest}`);
  print(shell, formatted(found.spec, 'yaml'));
}

/** The study file stands beside its results: they can be repeated from the folder alone. */
function keepFile(file: string, folder: string): void {
  const kept = join(folder, 'study.yaml');
  if (!existsSync(kept) || readFileSync(kept, 'utf8') !== readFileSync(file, 'utf8')) copyFileSync(file, kept);
}

function planText(wanted: readonly Cell[], missing: readonly Cell[], rows: readonly Row[]): string {
  const total = missing.reduce((sum, { compute }) => sum + compute, 0);
  const speed =
    rows.reduce((sum, { compute }) => sum + compute, 0) / rows.reduce((sum, { seconds }) => sum + seconds, 0);
  const time = rows.length === 0 ? '' : `, about ${durationText(total / speed)} of one worker`;
  const lines = missing.map(
    ({ spec, digest, compute }) => `${spec.name} ${digest.slice(0, 12)} ${computeText(compute)}`,
  );
  return [`${wanted.length} runs, ${missing.length} to train: ${computeText(total)}${time}`, ...lines].join('\n');
}

function writeReports(
  spec: StudySpec,
  cells: readonly Cell[],
  folder: string,
  { output }: StudyOptions,
  shell: Shell,
): void {
  const digests = new Set(cells.map(({ digest }) => digest));
  const rows = readRows(join(folder, 'results.jsonl')).filter(({ digest }) => digests.has(digest));
  if (rows.length === 0) throw new TrikdError('not-found', `no run of study ${spec.name} has ended yet`);
  const outline: Outline = {
    settings: Object.keys(spec.settings ?? { '': {} }),
    arms: Object.keys(spec.arms),
    baselines: spec.baselines,
  };
  const { primary } = taskOf(cells[0]!.spec);
  const findings: readonly Finding[] = findingsOf(rows, outline, primary);
  const facts = {
    name: spec.name,
    missing: cells.length - rows.length,
    rows,
    findings,
    primary,
    outline,
    trainImages: trainImages(cells),
  };
  writeFileSync(join(folder, 'results.md'), studyTables(facts));
  writeFileSync(
    join(folder, 'findings.json'),
    formatted({ study: spec.name, primary, missing: facts.missing, findings }, 'json'),
  );
  writePlots(facts, join(folder, 'plots'));
  writeFileSync(join(folder, 'report.html'), studyPage(facts));
  print(shell, output === 'table' ? studyTables(facts) : formatted({ study: spec.name, findings }, output));
  say(shell, `results.jsonl, findings.json, results.md, report.html and plots are in ${folder}`);
}

function writePlots(facts: StudyFacts, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, plot] of Object.entries(studyPlots(facts)))
    writeFileSync(join(folder, `${name}.svg`), plotFile(plot));
}

/** Number of training images of each setting. */
function trainImages(cells: readonly Cell[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    cells.flatMap(({ setting, spec }) => (spec.data.train === undefined ? [] : [[setting, spec.data.train]])),
  );
}
