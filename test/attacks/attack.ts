/** The services that an attack is aimed at, and the run that they train. */
export interface Target {
  /** host:port of RunService. */
  readonly orchestrator: string;
  /** URL of the dashboard. */
  readonly dashboard: string;
  readonly runId: string;
  /** Of the full rate, for a short attack on a busy machine. */
  readonly rate: number;
}

/** How often something was tried, and the answers, without the numbers that differ between two answers of the same kind. */
export interface Tally {
  attempts: number;
  readonly answers: Record<string, number>;
}

/** Attacks until the signal aborts. */
export type Attack = (target: Target, signal: AbortSignal) => Promise<Tally>;

export function newTally(): Tally {
  return { attempts: 0, answers: {} };
}

export function answered({ answers }: Tally, text: string): void {
  const kind = text.replace(/retry in [\d.]+ s/, 'retry later').slice(0, 160);
  answers[kind] = (answers[kind] ?? 0) + 1;
}
