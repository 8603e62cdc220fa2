import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Cell, PRECISIONS, sameCell } from './cells.ts';
import { Machine, Peak } from './machine/machine.ts';
import { PEERS, type Peer } from './peer-names.ts';

/** What figures depend on besides what is measured. */
export const Conditions = z.object({
  /** The commit of this repository, `-dirty` with changes that are not committed. */
  trikd: z.string(),
  node: z.string(),
  tensorflow: z.string(),
  machine: Machine,
  peak: Peak,
  /** Threads of an operation. */
  threads: z.number(),
  date: z.string(),
});
export type Conditions = z.infer<typeof Conditions>;

const Milliseconds = z.object({
  steps: z.number(),
  min: z.number(),
  lower: z.number(),
  median: z.number(),
  upper: z.number(),
  p99: z.number(),
  roundMedians: z.array(z.number()),
  /** MiB that each of its processes had in memory at most during the rounds. */
  peakMemory: z.record(z.string(), z.number()),
  /** MiB that the sum of them has too much: pages of files that several processes have mapped. */
  countedAgain: z.number(),
});
export type Milliseconds = z.infer<typeof Milliseconds>;

/** A step of a cell, as every peer took it in turns. */
export const CellRecord = z.object({
  measured: z.literal('step'),
  cell: z.object({
    models: z.string(),
    batch: z.number(),
    classes: z.number(),
    precision: z.enum(PRECISIONS),
  }),
  rounds: z.number(),
  /** Of a turn. */
  steps: z.number(),
  conditions: Conditions,
  torch: z.string().optional(),
  peers: z.partialRecord(z.enum(PEERS), Milliseconds),
  /** Milliseconds that the event loops of the services were late in their last turn. */
  lags: z.record(z.string(), z.object({ p50: z.number(), p99: z.number(), max: z.number() })).optional(),
  /** Why a peer has no figures. */
  missing: z.partialRecord(z.enum(PEERS), z.string()),
});
export type CellRecord = z.infer<typeof CellRecord>;

/** Another measurement, with the goals that it is held to. */
export const FindingRecord = z.object({
  measured: z.enum(['exchange', 'watchers', 'data']),
  conditions: Conditions,
  ratios: z.array(z.object({ what: z.string(), value: z.number(), goal: z.number() })),
  comparisons: z.array(z.unknown()),
});
export type FindingRecord = z.infer<typeof FindingRecord>;

const Line = z.discriminatedUnion('measured', [CellRecord, FindingRecord]);
export type Line = z.infer<typeof Line>;

/** The lines of a file, none if it does not exist. A line that was cut off by a kill is left out. */
export function readLines(file: string): readonly Line[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.slice(0, -1).flatMap((line) => {
    const parsed = Line.safeParse(parsedJson(line));
    return parsed.success ? [parsed.data] : [];
  });
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Adds a line. What a kill has left of another stays a line of its own. */
export function addLine(file: string, line: Line): void {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const cut = text === '' || text.endsWith('\n') ? '' : '\n';
  appendFileSync(file, `${cut}${JSON.stringify(line)}\n`);
}

/** Whether a line makes another measurement of the cell needless: the same versions on the same machine, with all peers. */
export function isMeasured(
  line: Line,
  cell: Cell,
  peers: readonly Peer[],
  { rounds, conditions }: Pick<CellRecord, 'rounds' | 'conditions'>,
): boolean {
  return (
    line.measured === 'step' &&
    sameCell(line.cell, cell) &&
    line.rounds >= rounds &&
    sameConditions(line.conditions, conditions) &&
    peers.every((peer) => line.peers[peer] !== undefined)
  );
}

function sameConditions(a: Conditions, b: Conditions): boolean {
  const names = ['trikd', 'node', 'tensorflow', 'threads'] as const;
  return (
    names.every((name) => a[name] === b[name]) && a.machine.cpu === b.machine.cpu && a.machine.cores === b.machine.cores
  );
}
