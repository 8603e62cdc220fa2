// `make bench`: every figure that the documentation quotes, measured side by side in one run and written as JSON.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Finding } from './finding.ts';
import { measureData } from './measure-data.ts';
import { measureExchange } from './measure-exchange.ts';
import { measureStudent, measureTrio } from './measure-steps.ts';
import { measureWatchers } from './measure-watchers.ts';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    output: { type: 'string', default: 'bench/results.json' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || !values.python) {
  console.log(
    'make bench ARGS="[--rounds N] [--only student|trio|exchange|watchers|data] [--output FILE]"\n\nWants a quiet machine: nothing else may compute.',
  );
  process.exit(values.help ? 0 : 2);
}

const rounds = Number(values.rounds);
const python = values.python;
const measurements: Record<string, () => Promise<Finding>> = {
  student: () => measureStudent(python, rounds),
  trio: () => measureTrio(python, rounds),
  exchange: () => measureExchange(rounds),
  watchers: () => measureWatchers(rounds),
  data: () => measureData(rounds),
};
const wanted = values.only === undefined ? Object.keys(measurements) : [values.only];
const findings: Record<string, Finding> = {};
for (const name of wanted) {
  const measure = measurements[name];
  if (!measure) throw new Error(`there is no measurement ${name}: ${Object.keys(measurements).join(', ')}`);
  console.log(`measuring ${name}, ${rounds} rounds`);
  const finding = await measure();
  findings[name] = finding;
  report(finding);
}
const machine = {
  cpu: cpus()[0]?.model.trim(),
  cores: cpus().length,
  node: process.version,
  date: new Date().toISOString(),
};
writeFileSync(values.output, `${JSON.stringify({ machine, findings }, undefined, 2)}\n`);
console.log(`written to ${values.output}`);

function report({ comparisons, ratios, lags }: Finding): void {
  for (const { title, contestants } of comparisons) {
    console.log(`\n${title} (ms a step: min / median / p99)`);
    for (const [name, { min, median, p99 }] of Object.entries(contestants)) {
      console.log(
        `  ${name.padEnd(28)} ${[min, median, p99].map((value) => value.toFixed(value < 10 ? 4 : 1)).join(' / ')}`,
      );
    }
  }
  for (const { what, value, goal } of ratios) {
    console.log(`  ${what}: ${value.toFixed(3)} (goal: at most ${goal})${value <= goal ? '' : '  MISSED'}`);
  }
  for (const [service, lag] of Object.entries(lags ?? {})) {
    console.log(
      `  event loop of ${service}: p50 ${lag.p50.toFixed(2)} ms, p99 ${lag.p99.toFixed(2)} ms, max ${lag.max.toFixed(1)} ms`,
    );
  }
}
