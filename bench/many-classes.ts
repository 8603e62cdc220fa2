/**
 * What many classes cost a step: the trio as services, with each format of frames, in turns with the trio in one process, which sends nothing.
 *
 * usage: node bench/many-classes.ts [--rounds N] [--steps N] [--classes N]      wants a quiet machine
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { newRun } from '@trikd/core/spec/new-run';
import { PRESETS } from '@trikd/testing/specs/presets';
import { specFor } from '@trikd/testing/specs/spec-for';
import { startDistributed } from './distributed.ts';
import { startLineProcess } from './line-process.ts';
import { type Contestant, compare, ratio } from './rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '6' },
    classes: { type: 'string', default: '10000' },
  },
});
const classes = Number(values.classes);
/** Smaller networks than those of the other benchmarks: less of a step hides what is sent. */
const specOf = (exchange: object) =>
  newRun(
    specFor('resnet trio', {
      data: { ...PRESETS['resnet trio'].data, classes, train: Math.max(1024, classes) },
      student: { model: { kind: 'resnet', depth: 8, width: 16 } },
      teacher: { model: { kind: 'resnet', depth: 20, width: 16 } },
      exchange,
    }),
  );
const FORMATS = { float32: {}, float16: { precision: 'float16' }, 'top 32': { topK: 32 } } as const;
const GOAL = 1.03;

async function oneProcess(): Promise<Contestant> {
  const child = startLineProcess(process.execPath, [fileURLToPath(new URL('one-process.ts', import.meta.url))]);
  await child.ask(`setup trio ${JSON.stringify(specOf({}))}`);
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
