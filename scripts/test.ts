/**
 * Runs what must pass, prints what it prints, and ends with what failed and with `N passed, N failed` over all of it.
 *
 * usage: node scripts/test.ts [check | unit | integration | simulation | end-to-end | browser | kubernetes | cluster | faults | attacks]...      (default: all, in that order)
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { add, failures, summary, type Tally, tally, type VitestReport } from './tally.ts';

const suites = [
  'check',
  'unit',
  'integration',
  'simulation',
  'end-to-end',
  'browser',
  'kubernetes',
  'cluster',
  'faults',
  'attacks',
];
/** Files of suites that are run whole only when they are asked for by name: their repetitions take minutes. */
const partOf: Readonly<Record<string, readonly string[]>> = { cluster: ['test/cluster/runs.test.ts'] };
const scratch = mkdtempSync(join(tmpdir(), 'trikd-test-'));

/** Some tools print colours whenever CI is set; only a terminal gets them. */
const colours = process.stdout.isTTY ? { env: {}, biome: [] } : { env: { NO_COLOR: '1' }, biome: ['--colors=off'] };

/** The checks, cheapest first, except the build: end-to-end tests start its output. */
const checks: readonly (readonly [name: string, commands: readonly (readonly string[])[]])[] = [
  [
    'build',
    [
      ['tsc', '-b'],
      ['vite', 'build', 'services/dashboard', '--logLevel=warn'],
      ['vite', 'build', 'services/dashboard', '--logLevel=warn', '--mode=report'],
    ],
  ],
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
    env: { ...process.env, ...colours.env, PATH },
  });
  if (error) console.error(`${program}: ${error.message}`);
  return status ?? 1;
}

/** Checks are not counted as tests: one that fails is a failure, one that holds adds nothing. */
function runChecks(): Tally {
  const failing = checks.filter(([name, commands]) => {
    const holds = commands.every((command) => run(command) === 0);
    console.log(`${holds ? 'holds' : 'FAILS'}: ${name}`);
    return !holds;
  });
  failed.push(...failing.map(([name]) => `check: ${name}`));
  return { passed: 0, failed: failing.length };
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
  // `unit` is two projects: with and without the engine.
  const project = suite === 'unit' ? 'unit*' : suite;
  const files = asked.includes(suite) ? [] : (partOf[suite] ?? []);
  const exitCode = run(['vitest', 'run', '--project', project, ...files, ...reporters]);
  const read = readReport(report);
  const counts = tally(read, exitCode);
  const named = failures(read).map((failure) => `${suite}: ${failure}`);
  failed.push(...(counts.failed > named.length ? [...named, `${suite}: vitest ended with ${exitCode}`] : named));
  return counts;
}

/** What failed in all suites: printed at the end, because the output above it has tens of thousands of lines. */
const failed: string[] = [];

const asked = process.argv.slice(2);
const unknown = asked.filter((suite) => !suites.includes(suite));
if (unknown.length > 0) {
  console.error(`unknown suite ${unknown.join(', ')}; the suites are ${suites.join(', ')}`);
  process.exit(2);
}
/** Why a suite that nobody asked for by name is left out: what it runs takes minutes to build, and root to start. */
function reasonToSkip(suite: string): string | undefined {
  if (suite !== 'cluster' || asked.includes(suite)) return undefined;
  if (process.getuid?.() !== 0) return 'it needs root';
  const cached = spawnSync('python3', ['scripts/fetch-go-tool.py', '--cached', 'coredns', 'crane', 'jobset', 'kueue']);
  return cached.status === 0 ? undefined : 'its programs are not built';
}

const wanted = suites.filter((suite) => asked.length === 0 || asked.includes(suite));
const chosen = wanted.filter((suite) => reasonToSkip(suite) === undefined);
const total = chosen
  .map((suite) => (suite === 'check' ? runChecks() : runSuite(suite)))
  .reduce(add, { passed: 0, failed: 0 });
rmSync(scratch, { recursive: true });
for (const suite of wanted.filter((each) => !chosen.includes(each))) {
  console.log(`SKIPPED: ${suite}: ${reasonToSkip(suite)}; run \`make ${suite}\``);
}
for (const each of failed) console.log(`FAILED: ${each}`);
console.log(summary(total));
process.exitCode = total.failed > 0 ? 1 : 0;
