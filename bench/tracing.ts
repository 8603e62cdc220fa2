/**
 * What tracing every step costs: the trio of an example as services, side by side without telemetry, traced to a collector, and traced
 * to one that is frozen.
 *
 * usage: node bench/tracing.ts [--rounds N] [--steps N] [--spec FILE]      wants a quiet machine
 */
import { startCollector } from '@trikd/testing/servers/observers';
import { startDistributed } from './distributed.ts';
import { metered } from './metered.ts';
import { compare, ratio } from './rounds.ts';
import { summarise } from './statistics.ts';
import { stepOptions } from './step-options.ts';

const { rounds, steps, file, spec } = stepOptions(10);

const observers = await startCollector();
const frozen = await startCollector();
process.kill(frozen.pid, 'SIGSTOP');
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
  const comparison = await compare(`a step of ${file}`, trios, { rounds, steps, warmup: 2 * steps });
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
