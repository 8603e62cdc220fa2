import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './simulate.js';

/** Which seeds are simulated, and how. */
export interface Campaign {
  /** Default 0. */
  readonly first?: number;
  readonly seeds: number;
  /** Processes. Default 2. */
  readonly workers?: number;
  /** See `WorldOptions`. */
  readonly slow?: boolean;
  /** Only scenes of many runs. Default: see `SimulationOptions`. */
  readonly many?: boolean;
  /** With `many`: scenes whose trios are JobSets. Default: none of them. */
  readonly jobsets?: boolean;
  /** A bug to plant, by its name in `mutations.ts`. */
  readonly mutation?: string;
  /** Failures after which nothing more is tried. Default 10. */
  readonly failures?: number;
  /** Is called after every outcome. */
  onOutcome?(figures: Figures): void;
}

/** The outcomes so far. */
export interface Figures {
  readonly outcomes: readonly Outcome[];
  readonly failed: readonly Outcome[];
  readonly seconds: number;
  /** What happened, by kind, in all of them. */
  readonly counts: Readonly<Record<string, number>>;
}

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Arguments of Node.js for a program of this folder that runs the sources. */
export const programOf = (name: string) => [
  '--no-warnings',
  // Each seed makes a world and drops it: most garbage is young.
  '--max-semi-space-size=64',
  '--import',
  here('sources.ts'),
  here(name),
];

/** Simulates in processes of its own, each with a part of the seeds. */
export async function simulateSeeds(campaign: Campaign): Promise<Figures> {
  const {
    first = 0,
    seeds,
    workers = 2,
    slow = false,
    many = false,
    jobsets = false,
    mutation,
    failures = 10,
    onOutcome,
  } = campaign;
  const began = performance.now();
  const outcomes: Outcome[] = [];
  const counts: Record<string, number> = {};
  const figures = (): Figures => ({
    outcomes,
    failed: outcomes.filter(({ failure }) => failure !== undefined),
    seconds: (performance.now() - began) / 1000,
    counts,
  });
  const over = new AbortController();
  let failed = 0;

  const work = async (worker: number) => {
    const range = [`--first=${first + worker}`, `--end=${first + seeds}`, `--stride=${workers}`];
    const options = [
      ...(slow ? ['--slow'] : []),
      ...(many ? ['--many'] : []),
      ...(jobsets ? ['--jobsets'] : []),
      ...(mutation ? [`--mutation=${mutation}`] : []),
    ];
    const args = [...programOf('worker.ts'), ...range, ...options];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    over.signal.addEventListener('abort', () => child.kill(), { once: true });
    let said = '';
    child.stderr.on('data', (text) => {
      said = `${said}${text}`.slice(-2000);
    });
    const ended = once(child, 'close');
    for await (const line of createInterface({ input: child.stdout })) {
      const outcome: Outcome = JSON.parse(line);
      outcomes.push(outcome);
      for (const [kind, count] of Object.entries(outcome.counts)) counts[kind] = (counts[kind] ?? 0) + count;
      if (outcome.failure !== undefined) failed += 1;
      onOutcome?.(figures());
      if (failed >= failures) over.abort();
    }
    const [code] = await ended;
    if (code !== 0 && !over.signal.aborted) throw new Error(`a worker ended with ${code}:\n${said}`);
  };
  await Promise.all(Array.from({ length: Math.min(workers, seeds) }, (_, worker) => work(worker)));
  return figures();
}

/** The figures as text, a line a fact. */
export function summary({ outcomes, failed, seconds, counts }: Figures): string {
  const whole = (count: number | undefined) => Math.round(count ?? 0).toLocaleString('en');
  const { steps, attempts, events, 'virtual seconds': virtual, ...kinds } = counts;
  const finished = outcomes.filter((outcome) => outcome.finished).length;
  return [
    `${whole(outcomes.length)} seeds, ${whole(failed.length)} differences, ${whole(finished)} finished`,
    `${whole(attempts)} attempts, ${whole(steps)} steps, ${whole(events)} events, ${((virtual ?? 0) / 3600).toFixed(1)} virtual hours`,
    ...Object.entries(kinds).map(([kind, count]) => `${whole(count).padStart(12)} ${kind}`),
    `${seconds.toFixed(0)} s, ${(outcomes.length / seconds).toFixed(0)} seeds/s`,
  ].join('\n');
}

/** A failure as a sentence, with the command that shows its trace. */
export function sentence({ seed, failure }: Outcome): string {
  return `seed ${seed}: ${failure}\n  make simulate SEED=${seed} TRACE=1`;
}
