/**
 * Runs what must pass, prints what it prints, and ends with how long it took, with what failed and with `N passed, N failed` over all of it.
 *
 * usage: node scripts/test.ts [check | unit | integration | simulation | end-to-end | browser | kubernetes | faults | attacks | cluster]...
 *
 * The default is all in that order except `cluster`, which needs root and programs that take minutes to build.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  add,
  failures,
  fileTimes,
  summary,
  type Tally,
  type Timed,
  tally,
  timeTable,
  type VitestReport,
} from './tally.ts';

const usual = [
  'check',
  'unit',
  'integration',
  'simulation',
  'end-to-end',
  'browser',
  'kubernetes',
  'faults',
  'attacks',
];
const suites = [...usual, 'cluster'];
const scratch = mkdtempSync(join(tmpdir(), 'trikd-test-'));

/** Some tools print colours whenever CI is set; only a terminal gets them. */
const colours = process.stdout.isTTY ? { env: {}, biome: [] } : { env: { NO_COLOR: '1' }, biome: ['--colors=off'] };

type Check = readonly [name: string, commands: readonly (readonly string[])[]];

/** Others read its output. */
const build: Check = [
  'build',
  [
    ['tsc', '-b'],
    ['vite', 'build', 'services/dashboard', '--logLevel=warn'],
    ['vite', 'build', 'services/dashboard', '--logLevel=warn', '--mode=report'],
  ],
];
/** They write nothing, and run side by side. The longest come first. */
const checks: readonly Check[] = [
  ['types of the tests', [['tsc', '-p', 'tsconfig.test.json', '--noEmit']]],
  ['format and lint', [['biome', 'ci', ...colours.biome]]],
  ['protos', [['buf', 'lint']]],
  [
    'configuration reference is current',
    [['sh', '-c', 'node scripts/config-reference.ts | diff - docs/configuration.md']],
  ],
  ['command line reference is current', [['sh', '-c', 'node scripts/cli-reference.ts | diff - docs/cli.md']]],
  ['page of results is current', [['sh', '-c', 'node scripts/results-page.ts | diff - docs/results.md']]],
  [
    'schema and README of the chart are current',
    [
      ['sh', '-c', 'node scripts/chart-schema.ts | diff - deploy/helm/trikd/values.schema.json'],
      ['sh', '-c', 'node scripts/chart-reference.ts | diff - deploy/helm/trikd/README.md'],
    ],
  ],
];

function run(command: readonly string[]): number {
  const [program = '', ...args] = command;
  const PATH = `node_modules/.bin:${process.env['PATH'] ?? ''}`;
  const { status, error } = spawnSync(program, args, {
    stdio: 'inherit',
    // What a suite needs is a prerequisite of its target: a test that fetches would hide that one is missing.
    env: { ...process.env, ...colours.env, PATH, FETCHING: 'never' },
  });
  if (error) console.error(`${program}: ${error.message}`);
  return status ?? 1;
}

/** Runs a command, and says in one piece what it printed. */
async function printed([program = '', ...args]: readonly string[]): Promise<{ holds: boolean; output: string }> {
  const PATH = `node_modules/.bin:${process.env['PATH'] ?? ''}`;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...colours.env, PATH },
  });
  const parts: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => parts.push(part));
  return new Promise((resolve) => {
    child.once('error', (error) => parts.push(`${program}: ${error.message}\n`));
    child.once('close', (code) => resolve({ holds: code === 0, output: parts.join('') }));
  });
}

/** Whether it holds. */
async function runCheck([name, commands]: Check): Promise<boolean> {
  const began = performance.now();
  let holds = true;
  let output = '';
  for (const command of commands) {
    const result = await printed(command);
    output += result.output;
    holds = result.holds;
    if (!holds) break;
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${output}${holds ? 'holds' : 'FAILS'}: ${name} (${seconds} s)`);
  if (!holds) failed.push(`check: ${name}`);
  return holds;
}

/** Checks are not counted as tests: one that fails is a failure, one that holds adds nothing. */
async function runChecks(): Promise<Tally> {
  const results = [await runCheck(build)];
  const left = [...checks];
  const work = async () => {
    for (let check = left.shift(); check; check = left.shift()) results.push(await runCheck(check));
  };
  await Promise.all([work(), work()]);
  return { passed: 0, failed: results.filter((holds) => !holds).length };
}

function readReport(path: string): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function runSuite(suite: string): Tally {
  const report = join(scratch, `${suite}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  // `unit` is three projects: of the engine, with it and without it.
  const project = suite === 'unit' ? 'unit*' : suite;
  const exitCode = run(['vitest', 'run', '--project', project, ...reporters]);
  const read = readReport(report);
  files.push(...fileTimes(suite, read, process.cwd()));
  const counts = tally(read, exitCode);
  const named = failures(read).map((failure) => `${suite}: ${failure}`);
  failed.push(...(counts.failed > named.length ? [...named, `${suite}: vitest ended with ${exitCode}`] : named));
  return counts;
}

/** What failed in all suites: printed at the end, because the output above it has tens of thousands of lines. */
const failed: string[] = [];
const files: Timed[] = [];

const asked = process.argv.slice(2);
const unknown = asked.filter((suite) => !suites.includes(suite));
if (unknown.length > 0) {
  console.error(`unknown suite ${unknown.join(', ')}; the suites are ${suites.join(', ')}`);
  process.exit(2);
}

const times: Timed[] = [];
async function timed(suite: string): Promise<Tally> {
  const start = performance.now();
  const counts = suite === 'check' ? await runChecks() : runSuite(suite);
  times.push({ name: suite, milliseconds: performance.now() - start });
  return counts;
}

const chosen = asked.length === 0 ? usual : suites.filter((suite) => asked.includes(suite));
let total: Tally = { passed: 0, failed: 0 };
for (const suite of chosen) total = add(total, await timed(suite));
rmSync(scratch, { recursive: true });
for (const line of timeTable(times, files)) console.log(line);
for (const each of failed) console.log(`FAILED: ${each}`);
console.log(summary(total));
process.exitCode = total.failed > 0 ? 1 : 0;
