/**
 * Simulates many seeds, or one with its trace.
 *
 * usage: node --import ./sources.ts main.ts [--seeds=N] [--seed=N] [--trace] [--many [--jobsets]] [--mutation=NAME]
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type Figures, programOf, sentence, simulateSeeds, summary } from './campaign.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    many: { type: 'boolean', default: false },
    jobsets: { type: 'boolean', default: false },
    mutation: { type: 'string' },
  },
});
const planted = { many: values.many, jobsets: values.jobsets, ...(values.mutation && { mutation: values.mutation }) };

if (values.seed !== undefined && values.trace) {
  const seed = Number(values.seed);
  const mutation = values.mutation ? [`--mutation=${values.mutation}`] : [];
  const many = [...(values.many ? ['--many'] : []), ...(values.jobsets ? ['--jobsets'] : [])];
  const args = [...programOf('worker.ts'), `--first=${seed}`, `--end=${seed + 1}`, '--trace', ...many, ...mutation];
  process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
}

const range = values.seed === undefined ? { seeds: Number(values.seeds) } : { first: Number(values.seed), seeds: 1 };
let printed = 0;

function progress({ outcomes, failed, seconds }: Figures): void {
  const failure = outcomes.at(-1);
  if (failure?.failure !== undefined) console.log(sentence(failure));
  const pause = process.stdout.isTTY ? 0.2 : 10;
  if (seconds - printed < pause) return;
  printed = seconds;
  const line = `${outcomes.length} of ${range.seeds} seeds, ${failed.length} differences, ${seconds.toFixed(0)} s`;
  if (process.stdout.isTTY) process.stdout.write(`\r${line}\x1b[K`);
  else console.log(line);
}

const figures = await simulateSeeds({ ...range, ...planted, onOutcome: progress });
if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
console.log(summary(figures));
process.exitCode = figures.failed.length > 0 || figures.outcomes.length < range.seeds ? 1 : 0;
