/**
 * Whether this checkout is slower than another one, such as that of the last release: both train the same run in turns, on the same cores.
 * Ends with 0 if it is not slower, 3 if the interval of the ratio has the limit in it, and 4 if it is slower.
 *
 * usage: node bench/regression.ts --against FOLDER [--limit RATIO] [--rounds N] [--turn SECONDS] [--models LIST] [--batch N]
 *   [--precision float32|bfloat16] [--as one-process|services]
 *
 * The other folder is a clone that `make build engine` has built. Its lines (bench/one-process.ts) take a whole run as setup.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Cell } from './cells.ts';
import { type LineProcess, startLineProcess } from './line-process.ts';
import { networksOf } from './networks.ts';
import { pairedRatio, summarise } from './statistics.ts';
import { cellSpec } from './trio-spec.ts';
import { type Verdict, verdictOn } from './verdict.ts';

const STATUS: Readonly<Record<Verdict, number>> = { 'not slower': 0, undecided: 3, slower: 4 };
const WARMUP = 3;
const HERE = fileURLToPath(new URL('..', import.meta.url));

const { values } = parseArgs({
  options: {
    against: { type: 'string' },
    limit: { type: 'string', default: '1.03' },
    rounds: { type: 'string', default: '20' },
    turn: { type: 'string', default: '1' },
    models: { type: 'string', default: 'resnet-20,resnet-20/resnet-56' },
    batch: { type: 'string', default: '128' },
    precision: { type: 'string', default: 'float32' },
    as: { type: 'string', default: 'one-process' },
  },
});
const { against, precision, as } = values;
const [limit, rounds, turn, batch] = [values.limit, values.rounds, values.turn, values.batch].map(Number) as [
  number,
  number,
  number,
  number,
];
if (
  !against ||
  (precision !== 'float32' && precision !== 'bfloat16') ||
  (as !== 'one-process' && as !== 'services') ||
  !(limit > 0 && turn > 0 && batch > 0 && rounds >= 6)
) {
  console.error(
    'usage: node bench/regression.ts --against FOLDER [OPTIONS]; see the head of the file. At least 6 rounds.',
  );
  process.exit(2);
}
if (!existsSync(join(against, 'packages/core/dist')) || !existsSync(join(against, 'packages/engine/build')))
  throw new Error(`${against} has not been built: make -C ${against} build engine`);

async function start(folder: string, cell: Cell): Promise<LineProcess> {
  const child = startLineProcess(process.execPath, [join(resolve(folder), `bench/${as}.ts`)]);
  const mode = networksOf(cell.models).teacher === undefined ? 'solo' : 'trio';
  await child.ask(`setup ${mode} ${JSON.stringify(cellSpec(cell))}`);
  await steps(child, WARMUP);
  return child;
}

async function steps(child: LineProcess, count: number): Promise<number> {
  const { ms } = (await child.ask(`step ${count}`)) as { ms: number[] };
  return summarise(ms).median;
}

/** @returns medians of the turns of this checkout and of the other */
async function alternate(cell: Cell): Promise<readonly [number[], number[]]> {
  const [ours, theirs] = [await start(HERE, cell), await start(against!, cell)];
  try {
    const count = Math.max(1, Math.round((1000 * turn) / (await steps(theirs, 1))));
    const turns: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      // Who comes second finds warmer or cooler cores: it is each of them in turn.
      const order = round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
      for (const side of order) turns[side].push(await steps(side === 0 ? ours : theirs, count));
    }
    return turns;
  } finally {
    await Promise.all([ours.end(), theirs.end()]);
  }
}

const verdicts: Verdict[] = [];
for (const models of values.models.split(',')) {
  if (as === 'services' && networksOf(models).teacher === undefined) continue;
  const [ours, theirs] = await alternate({ models, batch, classes: 100, precision });
  const ratio = pairedRatio(ours, theirs);
  const verdict = verdictOn(ratio, limit);
  verdicts.push(verdict);
  const [from, to] = ratio.interval!;
  const medians = `${summarise(ours).median.toFixed(1)} ms beside ${summarise(theirs).median.toFixed(1)}`;
  const interval = `${ratio.median.toFixed(4)} (${from.toFixed(4)} to ${to.toFixed(4)})`;
  console.log(
    `${models}, batch ${batch}, ${precision}, ${as}: ${medians}, ratio ${interval}: ${verdict}, limit ${limit}`,
  );
}
const worst = (['slower', 'undecided', 'not slower'] as const).find((verdict) => verdicts.includes(verdict));
if (worst === undefined) throw new Error('nothing was measured: services take a trio such as resnet-20/resnet-56');
if (worst === 'undecided') console.log('undecided: take more rounds, or a quieter machine');
process.exitCode = STATUS[worst];
