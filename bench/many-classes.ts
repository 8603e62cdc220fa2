/**
 * What many classes cost a step: the trio as services, with each format of frames, in turns with the trio in one process, which sends nothing.
 *
 * usage: node bench/many-classes.ts [--rounds N] [--steps N] [--classes N]      wants a quiet machine
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startDistributed } from './distributed.ts';
import { startLineProcess } from './line-process.ts';
import { type Contestant, compare, ratio } from './rounds.ts';
import { cellSpec } from './trio-spec.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '6' },
    classes: { type: 'string', default: '10000' },
  },
});
const classes = Number(values.classes);
/** Smaller networks than those of the other benchmarks: less of a step hides what is sent. */
const spec = cellSpec({ models: 'resnet-8/resnet-20', batch: 128, classes, precision: 'float32' });
const specOf = (exchange: object) => ({ ...spec, exchange: { ...spec.exchange, ...exchange } });
const FORMATS = { float32: {}, float16: { precision: 'float16' }, 'top 32': { topK: 32 } } as const;
const GOAL = 1.03;

async function oneProcess(): Promise<Contestant> {
  const child = startLineProcess(process.execPath, [fileURLToPath(new URL('one-process.ts', import.meta.url))]);
  await child.ask(`setup trio ${JSON.stringify(spec)}`);
  return {
    name: 'one process',
    step: async (count) => ((await child.ask(`step ${count}`)) as { ms: number[] }).ms,
    end: () => child.end(),
  };
}

const contestants = [await oneProcess()];
for (const [name, exchange] of Object.entries(FORMATS)) {
  contestants.push(await startDistributed(`services, ${name}`, specOf(exchange)));
}
const [rounds, steps] = [Number(values.rounds), Number(values.steps)];
const comparison = await compare(`${classes} classes`, contestants, { rounds, steps, warmup: 4 });
for (const [name, { min, median }] of Object.entries(comparison.contestants)) {
  console.log(`${name}: ${median.toFixed(1)} ms a step, at least ${min.toFixed(1)}`);
}
for (const name of Object.keys(FORMATS)) {
  const value = ratio(comparison, `services, ${name}`, 'one process');
  console.log(`services, ${name} / one process: ${value.toFixed(3)} (goal: at most ${GOAL})`);
}
process.exit();
