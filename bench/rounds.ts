import { pairedRatio, type Summary, summarise } from './statistics.ts';

/** Something that does N steps and reports how long each took, in milliseconds. */
export interface Contestant {
  readonly name: string;
  /** Its processes, by what they are. */
  readonly pids?: Readonly<Record<string, number>>;
  step(count: number): Promise<readonly number[]>;
  end(): Promise<void>;
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly steps: number;
  /** Steps of each contestant before anything counts. */
  readonly warmup: number;
}

/** One comparison: every contestant's summary over all rounds, and its median in each round. */
export interface Comparison {
  readonly title: string;
  readonly contestants: Readonly<Record<string, Summary & { readonly roundMedians: readonly number[] }>>;
}

/**
 * Lets contestants take turns, A B C A B C …, so that a machine that changes its speed changes it for all. Only one computes at a time;
 * the others wait, blocked, with their memory warm.
 */
export async function compare(
  title: string,
  contestants: readonly Contestant[],
  options: RoundsOptions,
): Promise<Comparison> {
  const times = new Map<string, number[][]>(contestants.map(({ name }) => [name, []]));
  try {
    for (const contestant of contestants) await contestant.step(options.warmup);
    for (let round = 0; round < options.rounds; round++) {
      for (const { name, step } of contestants) times.get(name)!.push([...(await step(options.steps))]);
    }
  } finally {
    for (const contestant of contestants) await contestant.end();
  }
  const summaries = [...times].map(([name, rounds]) => [
    name,
    { ...summarise(rounds.flat()), roundMedians: rounds.map((round) => summarise(round).median) },
  ]);
  return { title, contestants: Object.fromEntries(summaries) };
}

/** The median over rounds of a / b, each round's medians against each other. */
export function ratio({ contestants }: Comparison, a: string, b: string): number {
  return pairedRatio(contestants[a]!.roundMedians, contestants[b]!.roundMedians).median;
}
