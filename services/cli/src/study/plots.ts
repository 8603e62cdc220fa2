import type { Metric } from '@trikd/core/tasks/metric';
import { escaped } from '../escaped.js';
import type { Finding } from './findings.js';
import type { StudyFacts } from './markdown.js';
import { type Sample, tInterval } from './statistics.js';
import { logTicks, ticks, widened } from './ticks.js';

/** Colours that people with colour blindness tell apart (Okabe, Ito), and shapes for more arms than colours. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c6d31', '#7f7f7f'];

const [WIDTH, ROW, LEFT, RIGHT] = [720, 24, 150, 24];

/** A number of a metric as plots have it: a share in percent. */
function shown({ format }: Metric, value: number): number {
  return format === 'share' ? 100 * value : value;
}

function axisTitle({ label, format, unit }: Metric): string {
  const measure = format === 'share' ? '%' : unit;
  return measure === undefined ? label : `${label}, ${measure}`;
}

/** A row for each arm: the mean with its 95 % interval, and a small dot for each seed. */
export function intervalPlot(findings: readonly Finding[], rows: StudyFacts['rows'], metric: Metric): string {
  const points = findings.map(({ setting, arm }) =>
    rows
      .filter((row) => row.arm === arm && row.setting === setting)
      .map(({ result }) => shown(metric, result.test[metric.name]!)),
  );
  const intervals = findings.map(({ test }) => tInterval(test[metric.name]!)?.map((value) => shown(metric, value)));
  const bounds = intervals.flatMap((interval) => interval ?? []);
  const [low, high] = widened([...points.flat(), ...bounds]);
  const height = findings.length * ROW + 44;
  const x = (value: number) => LEFT + ((value - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const marks = ticks(low, high).map((value) => {
    const label = `<text x="${at(x(value))}" y="${height - 22}" text-anchor="middle">${plain(value)}</text>`;
    return `<line class="grid" x1="${at(x(value))}" x2="${at(x(value))}" y1="4" y2="${height - 36}"/>${label}`;
  });
  const lines = findings.map(({ arm, test }, index) => {
    const y = index * ROW + 16;
    const dots = points[index]!.map((value) => `<circle class="seed" cx="${at(x(value))}" cy="${y}" r="2.5"/>`).join(
      '',
    );
    const [from, to] = (intervals[index] ?? []).map((value) => at(x(value)));
    const bar = intervals[index] ? `<line class="interval" x1="${from}" x2="${to}" y1="${y}" y2="${y}"/>` : '';
    const mean = test[metric.name]!.mean;
    const title = `<title>${escaped(arm)}: ${plain(shown(metric, mean))}</title>`;
    const dot = `<circle class="mean" cx="${at(x(shown(metric, mean)))}" cy="${y}" r="5">${title}</circle>`;
    return `<text x="${LEFT - 10}" y="${y + 4}" text-anchor="end">${escaped(arm)}</text>${dots}${bar}${dot}`;
  });
  const axis = `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${height - 4}" text-anchor="middle">${escaped(axisTitle(metric))}</text>`;
  return svg(height, [...marks, ...lines, axis], `test ${metric.label} of each arm`);
}

/** One line or cloud of a plot. */
interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: Sample }[];
}

/** The mean test metric against the compute of each arm. */
export function computePlot(findings: readonly Finding[], metric: Metric): string {
  const series = findings.map(({ arm, compute, test }) => ({
    name: arm,
    points: [{ x: compute.mean / 1e9, y: inPlot(metric, test[metric.name]!) }],
  }));
  return seriesPlot(
    series,
    'compute, billions of multiply-adds',
    axisTitle(metric),
    `test ${metric.label} against compute`,
  );
}

/** Train minus test against the number of training images, a line for each arm. */
export function gapPlot({ findings, outline, primary, trainImages }: StudyFacts): string | undefined {
  const series = outline.arms.flatMap((name): Series[] => {
    const points = findings
      .filter(({ arm, setting }) => arm === name && trainImages[setting] !== undefined)
      .map(({ setting, gap }) => ({ x: trainImages[setting]!, y: inPlot(primary, gap) }))
      .sort((a, b) => a.x - b.x);
    return points.length < 2 ? [] : [{ name, points }];
  });
  if (series.length === 0) return undefined;
  return seriesPlot(
    series,
    'training images',
    `train - test ${axisTitle(primary)}`,
    'overfitting against training images',
  );
}

function inPlot(metric: Metric, { count, mean, deviation }: Sample): Sample {
  return { count, mean: shown(metric, mean), deviation: shown(metric, deviation) };
}

/** Lines over a logarithmic axis, with the standard error of each point as a bar. */
function seriesPlot(series: readonly Series[], xTitle: string, yTitle: string, what: string): string {
  const [plotted, left, right] = [300, 56, WIDTH - 170];
  const height = Math.max(plotted, series.length * 18) + 50;
  const bottom = height - 44;
  const all = series.flatMap(({ points }) => points);
  const [low, high] = widened(all.flatMap(({ y }) => [y.mean - error(y), y.mean + error(y)]));
  const [from, to] = widened(all.map(({ x }) => Math.log10(x)));
  const x = (value: number) => left + ((Math.log10(value) - from) / (to - from)) * (right - left);
  const y = (value: number) => bottom - ((value - low) / (high - low)) * (bottom - 8);
  const grid = [
    ...ticks(low, high).map((value) => {
      const line = `<line class="grid" x1="${left}" x2="${right}" y1="${at(y(value))}" y2="${at(y(value))}"/>`;
      return `${line}<text x="${left - 8}" y="${at(y(value) + 4)}" text-anchor="end">${plain(value)}</text>`;
    }),
    ...logTicks(10 ** from, 10 ** to).map((value) => {
      const line = `<line class="grid" x1="${at(x(value))}" x2="${at(x(value))}" y1="8" y2="${bottom}"/>`;
      return `${line}<text x="${at(x(value))}" y="${bottom + 16}" text-anchor="middle">${plain(value)}</text>`;
    }),
  ];
  const drawn = series.map(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length]!;
    const dash = index < COLOURS.length ? '' : ' stroke-dasharray="5 4"';
    const path = points.map((point) => `${at(x(point.x))},${at(y(point.y.mean))}`).join(' ');
    const line = `<polyline fill="none" stroke="${colour}" stroke-width="2"${dash} points="${path}"/>`;
    const marks = points.map(({ x: value, y: sample }) => {
      const [above, below] = [y(sample.mean + error(sample)), y(sample.mean - error(sample))];
      const bar = `<line stroke="${colour}" x1="${at(x(value))}" x2="${at(x(value))}" y1="${at(above)}" y2="${at(below)}"/>`;
      const title = `<title>${escaped(name)}: ${plain(sample.mean)}</title>`;
      return `${bar}<circle fill="${colour}" cx="${at(x(value))}" cy="${at(y(sample.mean))}" r="4">${title}</circle>`;
    });
    const label = `<circle fill="${colour}" cx="${right + 16}" cy="${14 + index * 18}" r="4"/><text x="${right + 26}" y="${18 + index * 18}">${escaped(name)}</text>`;
    return `${line}${marks.join('')}${label}`;
  });
  const titles = [
    `<text x="${(left + right) / 2}" y="${height - 6}" text-anchor="middle">${escaped(xTitle)}</text>`,
    `<text transform="translate(12 ${bottom / 2}) rotate(-90)" text-anchor="middle">${escaped(yTitle)}</text>`,
  ];
  return svg(height, [...grid, ...drawn, ...titles], what);
}

function error({ count, deviation }: Sample): number {
  return deviation / Math.sqrt(count);
}

/** Every plot of a study, by the name of its file. */
export function studyPlots(facts: StudyFacts): Readonly<Record<string, string>> {
  const { findings, rows, outline, primary } = facts;
  const each = outline.settings.flatMap((setting) => {
    const own = findings.filter((finding) => finding.setting === setting);
    const named = (what: string) => (setting === '' ? what : `${what}-${setting}`);
    return own.length === 0
      ? []
      : [
          [named(primary.name), intervalPlot(own, rows, primary)],
          [named('compute'), computePlot(own, primary)],
        ];
  });
  const gap = gapPlot(facts);
  return { ...Object.fromEntries(each), ...(gap !== undefined && { overfitting: gap }) };
}

/** Colours of plots, light and dark. */
export const PLOT_STYLE = `
svg { --ink: #1c2330; --faint: #d9dee6; --accent: #0072b2; font: 12px system-ui, sans-serif; fill: var(--ink); }
@media (prefers-color-scheme: dark) { svg { --ink: #e3e8f0; --faint: #333c4a; --accent: #56b4e9; } }
svg .grid { stroke: var(--faint); }
svg .seed { fill: var(--accent); opacity: 0.35; }
svg .interval { stroke: var(--accent); stroke-width: 3; }
svg .mean { fill: var(--accent); }
`;

/** A plot as a file of its own. */
export function plotFile(plot: string): string {
  return `${plot.replace(/(<svg [^>]*>)/, `$1<style>${PLOT_STYLE}</style>`)}\n`;
}

function svg(height: number, parts: readonly string[], label: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(label)}">${parts.join('')}</svg>`;
}

function at(value: number): string {
  return value.toFixed(1);
}

function plain(value: number): string {
  return String(Number(value.toPrecision(4)));
}
