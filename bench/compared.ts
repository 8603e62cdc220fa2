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
  /** MiB of all its processes together. */
  readonly memory: number;
  /** Its step over that of the yardstick; none of itself, and where there is no yardstick. */
  readonly ratio?: PairedRatio;
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
        memory: Object.values(own.peakMemory).reduce((sum, mebibytes) => sum + mebibytes, 0),
        ...(beside && { ratio: pairedRatio(own.roundMedians, beside.roundMedians) }),
      },
    ];
  });
  return { record, limits, bound, ...(yardstick !== undefined && { yardstick }), peers };
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
