import { durationText, timeLeft } from '../services/cli/dist/commands/study/time-left.js';
import { type Cell, cellText } from './cells.ts';
import { memoryOf } from './compared.ts';
import { goalsOf } from './goals.ts';
import { type Limits, limitsOf, workOf } from './limits.ts';
import { measureCell, type Plan } from './measure-cell.ts';
import { PEER_TITLES, type Peer } from './peer-names.ts';
import { type PyTorch, takesPart } from './peers.ts';
import { addLine, type CellRecord, type Conditions, isMeasured, readLines } from './records.ts';
import { pairedRatio } from './statistics.ts';

/** What is to be measured, and where the results are kept. */
export interface Sweep {
  readonly cells: readonly Cell[];
  readonly peers: readonly Peer[];
  readonly plan: Plan;
  readonly pytorch: PyTorch;
  readonly conditions: Conditions;
  /** Has a line for each cell; those that it has already are not measured again. */
  readonly file: string;
}

/** Measures the cells that the file lacks, one after the other, and adds each as soon as it is measured. */
export async function measureSteps({ cells, peers, plan, pytorch, conditions, file }: Sweep): Promise<void> {
  const lines = readLines(file);
  const wanted = { rounds: plan.rounds, conditions };
  const taking = (cell: Cell) => peers.filter((peer) => takesPart(peer, cell));
  const left = cells.filter((cell) => {
    return taking(cell).length > 0 && !lines.some((line) => isMeasured(line, cell, taking(cell), wanted));
  });
  const costs = left.map((cell) => expectedSeconds(cell, taking(cell).length, plan));
  const progress = timeLeft(costs, () => performance.now() / 1000);
  const expected = durationText(costs.reduce((sum, cost) => sum + cost, 0));
  console.log(`${cells.length - left.length} of ${cells.length} cells are measured, the others take about ${expected}`);
  for (const [index, cell] of left.entries()) {
    console.log(`\n${cellText(cell)}`);
    const measured = await measureCell(cell, taking(cell), plan, pytorch);
    const record: CellRecord = { measured: 'step', cell, conditions, ...measured };
    addLine(file, record);
    report(record);
    progress.done(costs[index]!);
    console.log(progress.text());
  }
}

/** Seconds to start a peer, to compile included, and operations a second of all: guesses, of which only the relation matters. */
const START = 15;
const SPEED = 2e11;

function expectedSeconds(cell: Cell, peers: number, { rounds, turn, warmup }: Plan): number {
  const step = (2 * workOf(cell).multiplyAdds) / SPEED;
  return peers * (START + (warmup + 1) * step + rounds * Math.max(turn, step));
}

function report({ cell, peers, conditions, lags = {} }: CellRecord): void {
  const limits = limitsOf(workOf(cell), conditions.peak, cell.precision);
  console.log('  ms a step: median (half of the steps), p99; peak memory of its processes together (sum of each)');
  for (const [name, each] of Object.entries(peers)) {
    const { together, sum } = memoryOf(each);
    const times = `${shown(each.median)} (${shown(each.lower)} to ${shown(each.upper)}), ${shown(each.p99)}`;
    console.log(`  ${PEER_TITLES[name as Peer].padEnd(24)} ${times}; ${together} MiB (${sum})`);
  }
  console.log(
    `  limit of the cores ${shown(limits.arithmetic)}, of the memory ${shown(limits.memory)}: ${bound(limits)}`,
  );
  for (const [service, { p50, p99, max }] of Object.entries(lags)) {
    console.log(`  event loop of ${service} late by ${shown(p50)}, p99 ${shown(p99)}, at most ${shown(max)}`);
  }
  for (const { of, beside, most } of goalsOf(cell)) {
    const [ours, theirs] = [peers[of], peers[beside]];
    if (!ours || !theirs) continue;
    const { median, interval } = pairedRatio(ours.roundMedians, theirs.roundMedians);
    const between = interval ? ` (${interval[0].toFixed(3)} to ${interval[1].toFixed(3)})` : '';
    const verdict = median <= most ? '' : '  MISSED';
    console.log(`  ${of} / ${beside}: ${median.toFixed(3)}${between}, goal: at most ${most}${verdict}`);
  }
}

function bound({ arithmetic, memory }: Limits): string {
  return arithmetic >= memory ? 'arithmetic bounds it' : 'memory bounds it, unless caches hold what layers put out';
}

function shown(ms: number): string {
  return ms.toFixed(ms < 10 ? 2 : 1);
}
