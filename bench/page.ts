import { rowsPlot, type Series, seriesPlot } from '../services/cli/dist/commands/study/page/draw.js';
import { page } from '../services/cli/dist/commands/study/page/html.js';
import { escapeHtml as escaped } from '../services/cli/dist/terminal/printable.js';
import { type Cell, cellText } from './cells.ts';
import { type Compared, type ComparedPeer, compared, latestCells } from './compared.ts';
import type { Limits } from './limits.ts';
import { PEER_TITLES, PEERS } from './peer-names.ts';
import type { FindingRecord, Line } from './records.ts';
import type { PairedRatio } from './statistics.ts';

const BOUNDS: Readonly<Record<keyof Limits, string>> = {
  arithmetic: 'limit of arithmetic',
  memory: 'limit of memory',
};

const NOTES = [
  'All peers of a cell took turns on the same machine in the same run. Small dots are the medians of turns, a bar has half of all steps.',
  'The services report the mean of a turn for each of its steps: their p99 is that of turns.',
  'A ratio is the middle one of the ratios of rounds, with an interval that has the true one with a probability of at least 95 %, whatever the distribution; fewer than six rounds have none.',
  'The limit of arithmetic is the time that all multiplications and additions of a step take if the cores do nothing else, at the speed that a loop of them reached on this machine. A backward pass counts twice a forward pass.',
  'The limit of memory is the time that it takes to read what convolutions and dense layers read and to write what they put out, each once a pass, at the speed of reading from memory. What stays in a cache is faster.',
  'Peak memory is what the processes of a peer had in memory at most during the rounds, their libraries included. A page of a library that several of them have mapped is in memory once and counts once; the sum of processes counts it in each. The processes need not have had their peaks at the same time. The services are the student, the teacher and the anchor: the benchmark steers them in the place of the orchestrator, and is not counted.',
];

/** The page of a file of results: plots and tables, one HTML file that needs nothing else. */
export function benchPage(lines: readonly Line[]): string {
  const cells = latestCells(lines).map(compared);
  const findings = lines.filter((line) => line.measured !== 'step');
  const last = lines.at(-1)?.conditions;
  const { machine, peak, threads } = last ?? {};
  const conditions =
    machine && peak
      ? `${machine.cpu}, ${machine.cores} cores, ${machine.gibibytes} GiB; ${threads} threads; the cores reach ${giga(peak.float32)} GFLOP/s in float32${peak.bfloat16 > 0 ? ` and ${giga(peak.bfloat16)} in bfloat16` : ''}, and read ${giga(peak.memory)} GB/s. Node.js ${last!.node}, TensorFlow ${last!.tensorflow}.`
      : 'Nothing has been measured.';
  return page('Benchmarks of trikd', [
    '<h1>Benchmarks of trikd</h1>',
    `<p>${escaped(conditions)}</p>`,
    ...(cells.length > 1 ? ['<h2>Beside PyTorch</h2>', ratioPlot(cells)] : []),
    ...batchPlots(cells),
    ...cells.flatMap(cellSection),
    ...(findings.length > 0 ? ['<h2>Other measurements</h2>', findingsTable(findings)] : []),
    '<h2>How to read this</h2>',
    `<ul>${NOTES.map((note) => `<li>${escaped(note)}</li>`).join('')}</ul>`,
  ]);
}

function cellSection({ record, limits, bound, yardstick, peers }: Compared): readonly string[] {
  const { cell, missing, conditions, torch, rounds, steps } = record;
  const plot = rowsPlot(
    peers.map(({ peer, median, lower, upper, roundMedians }) => ({
      ...{ name: PEER_TITLES[peer], value: median, interval: [lower, upper] as const, dots: roundMedians },
    })),
    {
      axis: 'milliseconds a step',
      what: `a step of ${cellText(cell)}`,
      lines: Object.entries(limits).map(([name, value]) => ({ name: BOUNDS[name as keyof Limits], value })),
    },
  );
  const heads = [
    '',
    'median, ms',
    'half of the steps',
    'p99',
    'GFLOP/s',
    'times the bound',
    'peak memory, MiB',
    'sum of processes, MiB',
  ];
  const beside = yardstick === undefined ? [] : [`beside ${PEER_TITLES[yardstick]}`];
  const rows = peers.map((each) => [...peerRow(each), ...(yardstick === undefined ? [] : [ratioText(each.ratio)])]);
  const why = Object.entries(missing).map(([peer, sentence]) => `${peer}: ${sentence}`);
  return [
    `<h2>${escaped(cellText(cell))}</h2>`,
    plot,
    table([...heads, ...beside], rows),
    `<p>Bound by ${bound}: ${shown(limits[bound])} ms (dashed lines: ${Object.entries(limits)
      .map(([name, value]) => `${BOUNDS[name as keyof Limits]} ${shown(value)} ms`)
      .join(', ')}).${why.length > 0 ? ` Missing: ${escaped(why.join('; '))}.` : ''}</p>`,
    `<p><small>${escaped(`${rounds} rounds of ${steps} steps, ${conditions.date.slice(0, 10)}, trikd ${conditions.trikd}${torch === undefined ? '' : `, PyTorch ${torch}`}`)}</small></p>`,
  ];
}

function peerRow({ peer, median, lower, upper, p99, operations, timesBound, memory }: ComparedPeer): readonly string[] {
  const spread = `${shown(lower)} to ${shown(upper)}`;
  const title = PEER_TITLES[peer];
  return [
    title,
    shown(median),
    spread,
    shown(p99),
    giga(operations),
    timesBound.toFixed(2),
    String(memory.together),
    String(memory.sum),
  ];
}

/** A row for each cell: ours over the yardstick, the services if there are any. */
function ratioPlot(cells: readonly Compared[]): string {
  const rows = cells.flatMap(({ record, peers }) => {
    const ours = peers.find(({ peer, ratio }) => ratio && (peer === 'services' || peer === 'one-process'));
    if (!ours?.ratio) return [];
    const { median, interval } = ours.ratio;
    return [{ name: shortText(record.cell), value: median, ...(interval && { interval }), dots: [median] }];
  });
  if (rows.length === 0) return '';
  return rowsPlot(rows, {
    axis: 'step of trikd over that of PyTorch',
    what: 'the step of trikd over that of PyTorch in each cell',
    lines: [{ name: 'equally fast', value: 1 }],
  });
}

function shortText({ models, batch, classes, precision }: Cell): string {
  const names = models.replaceAll('resnet-', 'R').replaceAll('wrn-', 'W').replaceAll('mobilenet-v2', 'MBv2');
  return `${names} ${batch}x${classes} ${precision === 'float32' ? 'f32' : 'bf16'}`;
}

/** The time of one image against the batch, where there is more than one batch of the same. */
function batchPlots(cells: readonly Compared[]): readonly string[] {
  const groups = Map.groupBy(cells, ({ record: { cell } }) => cellText({ ...cell, batch: 0 }));
  return [...groups.values()].flatMap((group) => {
    if (group.length < 2) return [];
    const { models, classes, precision } = group[0]!.record.cell;
    const sorted = [...group].sort((a, b) => a.record.cell.batch - b.record.cell.batch);
    const what = `${models}, ${classes} classes, ${precision}`;
    const series = [...PEERS.map((peer) => peerSeries(sorted, peer)), boundSeries(sorted)];
    const drawn = series.filter(({ points }) => points.length > 0);
    return [`<h2>${escaped(what)}</h2>`, seriesPlot(drawn, 'images of a batch', 'ms an image', what)];
  });
}

function peerSeries(cells: readonly Compared[], peer: ComparedPeer['peer']): Series {
  const points = cells.flatMap(({ record, peers }) => {
    const own = peers.find((each) => each.peer === peer);
    const { batch } = record.cell;
    if (!own) return [];
    return [{ x: batch, y: own.median / batch, interval: [own.lower / batch, own.upper / batch] as const }];
  });
  return { name: PEER_TITLES[peer], points };
}

function boundSeries(cells: readonly Compared[]): Series {
  const points = cells.map(({ record, limits, bound }) => {
    const y = limits[bound] / record.cell.batch;
    return { x: record.cell.batch, y, interval: [y, y] as const };
  });
  return { name: 'what bounds it', points };
}

function findingsTable(findings: readonly FindingRecord[]): string {
  const rows = findings.flatMap(({ ratios, conditions }) =>
    ratios.map(({ what, value, goal }) => [what, value.toFixed(3), `at most ${goal}`, conditions.date.slice(0, 10)]),
  );
  return table(['', 'ratio', 'goal', 'measured'], rows);
}

function ratioText(ratio: PairedRatio | undefined): string {
  if (!ratio) return '1';
  const { median, interval } = ratio;
  return interval
    ? `${median.toFixed(3)} (${interval.map((bound) => bound.toFixed(3)).join(' to ')})`
    : median.toFixed(3);
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const body = rows.map((cells) => row(cells, 'td')).join('');
  return `<div class="scroll"><table><thead>${row(heads, 'th')}</thead><tbody>${body}</tbody></table></div>`;
}

function shown(ms: number): string {
  return ms.toFixed(ms < 10 ? 2 : 1);
}

function giga(value: number): string {
  return (value / 1e9).toFixed(0);
}
