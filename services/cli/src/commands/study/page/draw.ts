import { escapeHtml as escaped } from '../../../terminal/printable.js';

/** Colours that people with colour blindness tell apart (Okabe, Ito), and shapes for more arms than colours. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c6d31', '#7f7f7f'];

const [WIDTH, ROW, LEFT, RIGHT] = [720, 24, 150, 24];

/** A row of a plot: a large dot with an interval around it, and small dots beside it. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly interval?: readonly [number, number];
  readonly dots: readonly number[];
}

/** What a plot says of itself. */
export interface RowsTitles {
  /** Of the axis. */
  readonly axis: string;
  /** What the plot shows, for who does not see it. */
  readonly what: string;
  /** Values with a line of their own across all rows. */
  readonly lines?: readonly { readonly name: string; readonly value: number }[];
}

export function rowsPlot(rows: readonly Row[], { axis, what, lines = [] }: RowsTitles): string {
  const values = rows.flatMap(({ dots, interval = [] }) => [...dots, ...interval]);
  const [low, high] = widened([...values, ...lines.map(({ value }) => value)]);
  const height = rows.length * ROW + 44;
  const x = (value: number) => LEFT + ((value - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const marks = ticks(low, high).map((value) => {
    const label = `<text x="${at(x(value))}" y="${height - 22}" text-anchor="middle">${plain(value)}</text>`;
    return `<line class="grid" x1="${at(x(value))}" x2="${at(x(value))}" y1="4" y2="${height - 36}"/>${label}`;
  });
  const across = lines.map(({ name, value }) => {
    const title = `<title>${escaped(name)}: ${plain(value)}</title>`;
    return `<line stroke="currentColor" stroke-dasharray="4 3" x1="${at(x(value))}" x2="${at(x(value))}" y1="4" y2="${height - 36}">${title}</line>`;
  });
  const drawn = rows.map(({ name, value, interval, dots }, index) => {
    const y = index * ROW + 16;
    const circles = dots.map((dot) => `<circle class="seed" cx="${at(x(dot))}" cy="${y}" r="2.5"/>`).join('');
    const [from, to] = (interval ?? []).map((bound) => at(x(bound)));
    const bar = interval ? `<line class="interval" x1="${from}" x2="${to}" y1="${y}" y2="${y}"/>` : '';
    const title = `<title>${escaped(name)}: ${plain(value)}</title>`;
    const dot = `<circle class="mean" cx="${at(x(value))}" cy="${y}" r="5">${title}</circle>`;
    return `<text x="${LEFT - 10}" y="${y + 4}" text-anchor="end">${escaped(name)}</text>${circles}${bar}${dot}`;
  });
  const title = `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${height - 4}" text-anchor="middle">${escaped(axis)}</text>`;
  return svg(height, [...marks, ...across, ...drawn, title], what);
}

/** One line or cloud of a plot. */
export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

/** A value with a bar around it. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly interval: readonly [number, number];
}

/** Lines over a logarithmic axis, with the interval of each point as a bar. */
export function seriesPlot(series: readonly Series[], xTitle: string, yTitle: string, what: string): string {
  const [plotted, left, right] = [300, 56, WIDTH - 170];
  const height = Math.max(plotted, series.length * 18) + 50;
  const bottom = height - 44;
  const all = series.flatMap(({ points }) => points);
  const [low, high] = widened(all.flatMap(({ interval }) => interval));
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
    const path = points.map((point) => `${at(x(point.x))},${at(y(point.y))}`).join(' ');
    const line = `<polyline fill="none" stroke="${colour}" stroke-width="2"${dash} points="${path}"/>`;
    const marks = points.map(({ x: value, y: mean, interval }) => {
      const [below, above] = interval.map(y) as [number, number];
      const bar = `<line stroke="${colour}" x1="${at(x(value))}" x2="${at(x(value))}" y1="${at(above)}" y2="${at(below)}"/>`;
      const title = `<title>${escaped(name)}: ${plain(mean)}</title>`;
      return `${bar}<circle fill="${colour}" cx="${at(x(value))}" cy="${at(y(mean))}" r="4">${title}</circle>`;
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

/** Values for the marks of an axis: round, at most eight, all within the range. */
export function ticks(from: number, to: number): readonly number[] {
  const rough = (to - from) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? 10 * power;
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, index) => (first + index) * step);
}

/** 1, 2 and 5 times the powers of ten within a range above 0. */
export function logTicks(from: number, to: number): readonly number[] {
  const powers = Array.from({ length: 40 }, (_, index) => 10 ** (index - 20));
  return powers.flatMap((power) => [power, 2 * power, 5 * power]).filter((value) => value >= from && value <= to);
}

/** A range with a margin of a twentieth, so that no mark lies on the edge. */
export function widened(values: readonly number[]): readonly [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = high > low ? (high - low) / 20 : Math.max(Math.abs(low) / 20, 1e-9);
  return [low - margin, high + margin];
}
