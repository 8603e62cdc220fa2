/**
 * What tracing every step costs: the trio of an example as services, side by side without telemetry, traced to a collector, and traced
 * to one that is frozen.
 *
 * usage: node bench/tracing.ts [--rounds N] [--steps N] [--spec FILE]      wants a quiet machine
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { startObservers } from '@trikd/testing/servers/observers';
import { parse } from 'yaml';
import { startDistributed } from './distributed.ts';
import { metered } from './metered.ts';
import { compare, ratio } from './rounds.ts';
import { summarise } from './statistics.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    steps: { type: 'string', default: '50' },
    spec: { type: 'string', default: 'examples/fashion-mnist.yaml' },
  },
});
const [rounds, steps] = [Number(values.rounds), Number(values.steps)];
const NEVER = 100_000;
/** The example's models and batches on made-up images: neither validation nor checkpoints come between. */
const spec = RunSpec.parse({
  ...parse(readFileSync(values.spec, 'utf8')),
  name: 'bench',
  data: { kind: 'synthetic', height: 28, width: 28, channels: 1, classes: 10, train: 512, validation: 64, test: 64 },
  epochs: NEVER,
  evaluation: { everyEpochs: NEVER },
  checkpoint: { everyEpochs: NEVER },
});

const observers = await startObservers();
const frozen = await startObservers();
process.kill(frozen.collectorPid, 'SIGSTOP');
const tracing = { seed: 'bench', everySteps: 1 };
/** As `trikd run` starts services. */
const usual = { NODE_OPTIONS: '--max-semi-space-size=8', MALLOC_ARENA_MAX: '2' };
const to = (endpoint: string) => ({ env: { ...usual, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, tracing });
const trios = [
  metered(await startDistributed('without telemetry', spec, { env: usual })),
  metered(await startDistributed('every step traced', spec, to(observers.otlp))),
  metered(await startDistributed('collector frozen', spec, to(frozen.otlp))),
];
const [plain] = trios;
try {
  const comparison = await compare(`a step of ${values.spec}`, trios, { rounds, steps, warmup: 2 * steps });
  for (const { name, memory } of trios) {
    const { median, p99 } = comparison.contestants[name]!;
    console.log(`${name}: ${median.toFixed(2)} ms a step (p99 of turns ${p99.toFixed(2)})`);
    if (name === plain!.name) continue;
    console.log(`  step time, median of turns against each other: ${ratio(comparison, name, plain!.name).toFixed(4)}`);
    console.log(`  memory over that of the first, MB: ${difference(memory(), plain!.memory())}`);
  }
  for (const { name, cpu } of trios.slice(1)) {
    for (const service of Object.keys(plain!.pids)) {
      const more = cpu(service).map((ms, turn) => ms - plain!.cpu(service)[turn]!);
      const usual = summarise(plain!.cpu(service)).median;
      console.log(
        `${name}, ${service}: ${summarise(more).median.toFixed(3)} ms of processor a step more than ${usual.toFixed(3)}`,
      );
    }
  }
} finally {
  await Promise.all([observers.kill(), frozen.kill()]);
}

function difference(these: Readonly<Record<string, number>>, those: Readonly<Record<string, number>>): string {
  return Object.entries(these)
    .map(([name, mb]) => `${name} ${(mb - those[name]!).toFixed(1)}`)
    .join(', ');
}
