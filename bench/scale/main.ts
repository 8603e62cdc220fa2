/**
 * The model of docs/scale.md: measures, fits, checks the fits, and says what they predict. Wants a quiet machine for three minutes.
 *
 * usage: node --expose-gc bench/scale/main.ts [--only step|transport|lockstep|replicas|runs] [--output FILE]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { type Fit, leastSquares } from './fit.ts';
import { imageNet } from './imagenet.ts';
import { lockstepTime, type PairTimes, simulatedLockstep } from './lockstep.ts';
import { measureLearners } from './measure-learners.ts';
import { measureRuns } from './measure-runs.ts';
import { measureTransport } from './measure-transport.ts';
import { replicaStepTime, simulatedReplicaStep } from './replica-step.ts';

const { values } = parseArgs({
  options: { only: { type: 'string' }, output: { type: 'string', default: 'bench/results/scale.json' } },
});
const wants = (part: string) => values.only === undefined || values.only === part;
const fits: Record<string, Fit> = {};

if (wants('step')) {
  const { steps, memory, batches } = await measureLearners();
  fits['milliseconds of a step'] = leastSquares(steps, ['one', 'multiplyAdds', 'activations', 'logits']);
  fits['bytes of a learner'] = leastSquares(memory, ['one', 'modelBytes', 'activationBytes', 'frameBytes']);
  fits['milliseconds of a batch'] = leastSquares(batches, ['one', 'imageBytes']);
}
if (wants('transport')) {
  const { times, traffic } = await measureTransport();
  fits['milliseconds of an exchange'] = leastSquares(times, ['one', 'frameBytes', 'furtherBytes', 'delay']);
  fits['bytes on the wire of a frame'] = leastSquares(traffic, ['one', 'frameBytes']);
}
if (wants('runs')) {
  const { processor, requests } = await measureRuns();
  fits['processor milliseconds of the orchestrator'] = leastSquares(processor, ['one', 'runs']);
  fits['requests to the store'] = leastSquares(requests, ['one', 'runs']);
}
for (const [name, { coefficients, worst, worstLeftOut, samples }] of Object.entries(fits)) {
  console.log(
    `\n${name}: largest error ${percent(worst)}, of a point that the fit has not seen ${percent(worstLeftOut)}`,
  );
  console.table(
    Object.entries(coefficients).map(([of, { value, standardError }]) => ({
      of,
      coefficient: value.toPrecision(4),
      'standard error': standardError.toPrecision(2),
    })),
  );
  console.table(
    samples.map(({ what, value, fitted }) => ({
      what,
      measured: value.toPrecision(4),
      fitted: fitted.toPrecision(4),
      error: percent(fitted / value - 1),
    })),
  );
}
const pairs = wants('lockstep') ? await lockstepTable() : [];
const replicas = wants('replicas') ? await replicaTable() : [];
const predicted = values.only === undefined ? imageNet(fits) : [];
if (predicted.length > 0) console.table(predicted);
const machine = {
  cpu: cpus()[0]?.model.trim(),
  cores: cpus().length,
  node: process.version,
  date: new Date().toISOString(),
};
mkdirSync(dirname(values.output), { recursive: true });
writeFileSync(
  values.output,
  `${JSON.stringify({ machine, fits, lockstep: pairs, replicas, imageNet: predicted }, undefined, 2)}\n`,
);
console.log(`written to ${values.output}`);
process.exit();

async function lockstepTable() {
  const of = (teacher: readonly [number, number], student: readonly [number, number], exchange: number): PairTimes => ({
    forward: { teacher: teacher[0], student: student[0] },
    backward: { teacher: teacher[1], student: student[1] },
    exchange,
  });
  const cases = [
    of([30, 60], [10, 20], 1),
    of([30, 60], [10, 20], 25),
    of([30, 60], [10, 20], 40),
    of([30, 60], [30, 60], 5),
    of([10, 80], [50, 20], 10),
    of([300, 600], [10, 20], 100),
  ];
  const table = [];
  for (const each of cases) {
    const [model, simulated] = [lockstepTime(each), await simulatedLockstep(each)];
    const { forward, backward, exchange } = each;
    const side = (role: 'teacher' | 'student') => `${forward[role]} + ${backward[role]}`;
    table.push({ teacher: side('teacher'), student: side('student'), exchange, model, simulated });
  }
  console.table(table);
  return table;
}

async function replicaTable() {
  const learner = { forward: 30, backward: 65, update: 2, logitBytes: 51_200, shareBytes: 1.1e6 };
  const large = { forward: 3000, backward: 6500, update: 30, logitBytes: 1_024_000, shareBytes: 4.5e7 };
  const [fast, slow] = [
    { perByte: 1.3e-6, latency: 0.05 },
    { perByte: 8.5e-6, latency: 0.5 },
  ];
  const cases = [
    { what: 'ResNet-20, 10 Gb/s', ...learner, ...fast },
    {
      what: '100 times the work of ResNet-20 with its params, 10 Gb/s',
      ...learner,
      forward: 3000,
      backward: 6500,
      ...fast,
    },
    {
      what: '100 times the work of ResNet-20 with its params, 1 Gb/s',
      ...learner,
      forward: 3000,
      backward: 6500,
      ...slow,
    },
    { what: '11 million params, 10 Gb/s', ...large, ...fast },
  ];
  const table = [];
  for (const { what, ...costs } of cases) {
    for (const count of [1, 2, 4, 8, 16, 64, 256, 1000]) {
      const each = { ...costs, replicas: count };
      table.push({ what, replicas: count, model: replicaStepTime(each), simulated: await simulatedReplicaStep(each) });
    }
  }
  console.table(table);
  return table;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
