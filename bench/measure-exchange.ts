import { fileURLToPath } from 'node:url';
import type { Finding } from './finding.ts';
import { startLineProcess } from './line-process.ts';
import { type Contestant, compare, ratio } from './rounds.ts';

/** Rows, classes, and what we hold ourselves to. */
const SIZES = [
  { rows: 128, cols: 10, goal: 3 },
  { rows: 128, cols: 100, goal: 1.6 },
  { rows: 256, cols: 1000, goal: 2.2 },
] as const;

// Below some thousand steps V8 still compiles, and the two sides are not at their steady speed.
const STEPS = 5000;
const WARMUP = 10_000;

/** Two processes that swap logits, through our exchange and through a bare TCP connection. */
export async function measureExchange(rounds: number): Promise<Finding> {
  const comparisons = [];
  const ratios = [];
  for (const { rows, cols, goal } of SIZES) {
    const contestants = [await pairOf('exchange', 'grpc', rows, cols), await pairOf('raw TCP', 'tcp', rows, cols)];
    const comparison = await compare(`exchange of ${rows}x${cols} float32, both ways`, contestants, {
      rounds,
      steps: STEPS,
      warmup: WARMUP,
    });
    comparisons.push(comparison);
    ratios.push({ what: `exchange / raw TCP, ${rows}x${cols}`, value: ratio(comparison, 'exchange', 'raw TCP'), goal });
  }
  return { comparisons, ratios };
}

async function pairOf(name: string, kind: string, rows: number, cols: number): Promise<Contestant> {
  const end = fileURLToPath(new URL('exchange-end.ts', import.meta.url));
  const pair = [0, 1].map(() => startLineProcess(process.execPath, [end]));
  const [left, right] = pair as [(typeof pair)[0], (typeof pair)[0]];
  const both = (a: string, b: string) => Promise.all([left.ask(a), right.ask(b)]);
  const [a, b] = (await both(`listen ${kind} ${rows} ${cols}`, `listen ${kind} ${rows} ${cols}`)) as {
    address: string;
  }[];
  await both(`connect ${b!.address}`, `connect ${a!.address}`);
  return {
    name,
    async step(count) {
      const [{ ms }] = (await both(`step ${count}`, `step ${count}`)) as [{ ms: number[] }, unknown];
      return ms;
    },
    async end() {
      await Promise.all([left.end(), right.end()]);
    },
  };
}
