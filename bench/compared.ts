import { sameCell } from './cells.ts';
import { type Limits, limitsOf, workOf } from './limits.ts';
import { PEERS, type Peer } from './peer-names.ts';
import type { CellRecord, Line, Milliseconds } from './records.ts';
import { type PairedRatio, pairedRatio } from './statistics.ts';

/** A peer in a cell, beside the limits of the machine and the peer that all are compared with. */
export interface ComparedPeer extends Milliseconds {
  readonly peer: Peer;
  /** Multiplications and additions a second. */
  readonly operations: number;
  /** Its median step over what bounds it. */
  readonly timesBound: number;
  readonly memory: PeakMemory;
  /** Its step over that of the yardstick; none of itself, and where there is no yardstick. */
  readonly ratio?: PairedRatio;
}

/** MiB that the processes of a peer have had at most. */
export interface PeakMemory {
  /** What they take of the machine: a page that several have mapped counts once. */
  readonly together: number;
  /** The sum of what each has resident. */
  readonly sum: number;
}

/** The peers that others are compared with: the first of them that was measured. */
const YARDSTICKS = ['compile', 'eager', 'one-process'] as const satisfies readonly Peer[];

/** A cell as a page shows it. */
export interface Compared {
  readonly record: CellRecord;
  readonly limits: Limits;
  /** What bounds a step: the larger limit. */
  readonly bound: keyof Limits;
  readonly yardstick?: Peer;
  readonly peers: readonly ComparedPeer[];
}

export function compared(record: CellRecord): Compared {
  const work = workOf(record.cell);
  const limits = limitsOf(work, record.conditions.peak, record.cell.precision);
  const bound = limits.arithmetic >= limits.memory ? 'arithmetic' : 'memory';
  const yardstick = YARDSTICKS.find((peer) => record.peers[peer] !== undefined);
  const peers = PEERS.flatMap((peer): ComparedPeer[] => {
    const own = record.peers[peer];
    if (!own) return [];
    const beside = yardstick === undefined || yardstick === peer ? undefined : record.peers[yardstick];
    return [
      {
        ...own,
        peer,
        operations: (2 * work.multiplyAdds) / (own.median / 1000),
        timesBound: own.median / limits[bound],
        memory: memoryOf(own),
        ...(beside && { ratio: pairedRatio(own.roundMedians, beside.roundMedians) }),
      },
    ];
  });
  return { record, limits, bound, ...(yardstick !== undefined && { yardstick }), peers };
}

export function memoryOf({ peakMemory, countedAgain }: Milliseconds): PeakMemory {
  const sum = Object.values(peakMemory).reduce((total, mebibytes) => total + mebibytes, 0);
  return { together: sum - countedAgain, sum };
}

/** The last measurement of each cell, in the order in which the cells were measured first. */
export function latestCells(lines: readonly Line[]): readonly CellRecord[] {
  const latest: CellRecord[] = [];
  for (const line of lines) {
    if (line.measured !== 'step') continue;
    const earlier = latest.findIndex(({ cell }) => sameCell(cell, line.cell));
    if (earlier === -1) latest.push(line);
    else latest[earlier] = line;
  }
  return latest;
}
