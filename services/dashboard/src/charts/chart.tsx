import { percent } from '@trikd/events/names';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { Scroll } from '../controls.js';
import { value } from '../format.js';
import { rangeOf, smoothed } from './plot-range.js';
import { newest, type Plot, type Series } from './series.js';

const HEIGHT = 220;

/** How plots are drawn. */
export interface ChartLook {
  /** Weight of the mean before in the smoothed line of batches, from 0, which is none, to below 1. */
  readonly smoothing: number;
  /** Values that are no shares on a logarithmic axis. */
  readonly log: boolean;
  /** All values are in the range, also those of the start of each stage. */
  readonly whole: boolean;
}

interface ChartProps {
  readonly plot: Plot;
  /** What its marks are: `generation` or `stage`. */
  readonly word: string;
  readonly look: ChartLook;
}

/** A plot, a legend with the values at the pointer or the newest ones, and a table of values. */
export function Chart({ plot, word, look: chosen }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const drawn = useRef<uPlot | undefined>(undefined);
  const [pointed, setPointed] = useState<number>();
  const scheme = useScheme();
  const shape = plot.series.map(({ name, colour, dashed }) => `${name} ${colour} ${dashed}`).join();
  const newestPlot = useRef(plot);
  newestPlot.current = plot;
  const look = plot.exact ? { ...chosen, smoothing: 0, whole: true } : chosen;
  const { smoothing, log, whole } = look;

  // The chart is built again only when its lines or its look change; new values go into the existing chart.
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const options = optionsOf(() => newestPlot.current, look, element.clientWidth, setPointed);
    const chart = new uPlot(options, dataOf(plot, look), element);
    drawn.current = chart;
    const resized = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      chart.destroy();
      drawn.current = undefined;
    };
  }, [shape, scheme, smoothing, log, whole]);
  useEffect(() => {
    const chart = drawn.current;
    if (!chart) return;
    // A part that was chosen with the pointer stays in view.
    const isZoomed = zoomed(chart);
    chart.setData(dataOf(plot, look), !isZoomed);
    if (isZoomed) chart.redraw();
  }, [plot]);

  const step = pointed === undefined ? undefined : plot.steps[pointed];
  return (
    <figure class="chart">
      <figcaption>
        <strong>{plot.title}</strong>
        <span class="muted number">{step === undefined ? '' : `step ${step}`}</span>
      </figcaption>
      <div ref={host} class="plot" style={{ height: `${HEIGHT}px` }} aria-hidden="true" />
      <ul class="legend">
        {plot.series.map((series) => (
          <li key={series.name} class={series.colour}>
            <Line series={series} />
            {series.name}{' '}
            <span class="number">{shown(plot, pointed === undefined ? newest(series) : upTo(series, pointed))}</span>
          </li>
        ))}
      </ul>
      <details class="values">
        <summary>Values</summary>
        <ValuesTable plot={plot} word={word} />
      </details>
    </figure>
  );
}

/** The last value of each line in each stage, for readers who cannot see the plot. */
function ValuesTable({ plot, word }: Pick<ChartProps, 'plot' | 'word'>) {
  return (
    <Scroll label={`${plot.title}, values`}>
      <table>
        <caption class="visually-hidden">
          {plot.title} at the end of each {word}
        </caption>
        <thead>
          <tr>
            <th scope="col">{word}</th>
            {plot.series.map((series) => (
              <th key={series.name} scope="col" class="number">
                {series.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {plot.marks.map(({ stage, label, at }, index) => {
            const end = plot.marks[index + 1]?.at ?? Number.POSITIVE_INFINITY;
            return (
              <tr key={stage}>
                <th scope="row">{label}</th>
                {plot.series.map((series) => (
                  <td key={series.name} class="number">
                    {shown(plot, lastWithin(plot, series, at, end))}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </Scroll>
  );
}

/** The line as the legend shows it. */
function Line({ series: { split, dashed } }: { readonly series: Series }) {
  const strong = split === 'validation';
  return (
    <svg width="22" height="8" aria-hidden="true">
      <line
        x1="1"
        x2="21"
        y1="4"
        y2="4"
        stroke="currentColor"
        stroke-width={strong ? 3 : 1.5}
        stroke-dasharray={dashed ? '4 3' : undefined}
        opacity={strong ? 1 : 0.7}
      />
      {strong && !dashed && <circle cx="11" cy="4" r="3" fill="currentColor" />}
    </svg>
  );
}

function shown(plot: Plot, number: number | undefined): string {
  return plot.share && number !== undefined ? percent(number) : value(number);
}

function upTo(series: Series, index: number): number | undefined {
  return series.values.slice(0, index + 1).findLast((each) => each !== undefined);
}

function lastWithin(plot: Plot, series: Series, from: number, to: number): number | undefined {
  // The last step of a stage lies before the first of the next one: a step counts once it is trained.
  return series.values.findLast((each, index) => {
    const step = plot.steps[index] ?? 0;
    return each !== undefined && step > from && step <= to;
  });
}

/** The lines that are drawn of a series: batches that are smoothed are drawn faintly below their mean. */
function linesOf({ values, split }: Series, { smoothing }: ChartLook, restarts: ReadonlySet<number>) {
  if (split === 'validation' || smoothing === 0) return [values];
  return [values, smoothed(values, smoothing, restarts)];
}

function dataOf(plot: Plot, look: ChartLook): uPlot.AlignedData {
  const { steps, series, marks } = plot;
  const restarts = new Set(marks.map(({ at }) => steps.findIndex((step) => step > at)));
  const isLog = look.log && !plot.share;
  const drawable = (value: number | undefined) => (value === undefined || (isLog && value <= 0) ? null : value);
  return [[...steps], ...series.flatMap((each) => linesOf(each, look, restarts).map((line) => line.map(drawable)))];
}

/** Whether a part of the steps was chosen with the pointer. */
function zoomed({ scales, data }: uPlot): boolean {
  const [steps] = data;
  const { min, max } = scales['x'] ?? {};
  if (min == null || max == null || steps.length === 0) return false;
  return min > (steps[0] ?? min) || max < (steps.at(-1) ?? max);
}

/** Opacities of lines. */
const FAINT = 0.25;
const THIN = 0.75;

function optionsOf(
  plotNow: () => Plot,
  look: ChartLook,
  width: number,
  pointed: (index: number | undefined) => void,
): uPlot.Options {
  const plot = plotNow();
  const colours = getComputedStyle(document.documentElement);
  const colour = (name: string) => colours.getPropertyValue(`--${name}`).trim();
  const font = `11px ${colours.fontFamily}`;
  const axis = {
    stroke: colour('muted'),
    font,
    labelFont: font,
    labelSize: 16,
    labelGap: 0,
    grid: { stroke: colour('line'), width: 1 },
    ticks: { stroke: colour('line'), width: 1, size: 4 },
  };
  const log = look.log && !plot.share;
  const format = (_: uPlot, ticks: (number | null)[]) =>
    ticks.map((each) => {
      if (each === null) return '';
      return plot.share ? `${+(100 * each).toFixed(2)} %` : String(+each.toPrecision(6)).replace('e+', 'e');
    });
  return {
    width: Math.max(width, 50),
    height: HEIGHT,
    padding: [16, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: true, y: false } },
    scales: {
      x: { time: false },
      y: {
        ...(log && { distr: 3 as const }),
        range: (chart, low, high) => {
          const { min, max } = chart.scales['x'] ?? {};
          const isPart = zoomed(chart);
          const steps = isPart ? { from: min ?? 0, to: max ?? 0 } : { from: 0, to: Number.POSITIVE_INFINITY };
          const [least, most] = rangeOf(plotNow(), { ...steps, whole: look.whole || isPart, log }) ?? [low, high];
          return [least, most];
        },
      },
    },
    axes: [
      { ...axis, size: 26, space: 60, label: 'step' },
      { ...axis, size: 54, values: format, label: plot.axis },
    ],
    series: [
      {},
      ...plot.series.flatMap((series) => {
        const { split, colour: name, dashed } = series;
        const stroke = colour(name);
        const strong = split === 'validation';
        const line = {
          stroke,
          width: strong ? 2.5 : 1.25,
          alpha: strong ? 1 : THIN,
          spanGaps: true,
          points: { show: strong && !dashed, size: 6 },
          ...(dashed && { dash: [5, 4] }),
        };
        const faint = { ...line, alpha: FAINT };
        return linesOf(series, look, new Set()).length === 1 ? [line] : [faint, { ...line, width: 1.75, alpha: 1 }];
      }),
    ],
    hooks: {
      setCursor: [({ cursor }) => pointed(cursor.idx ?? undefined)],
      drawAxes: [(chart) => drawMarks(chart, plotNow().marks, colour('muted'), font)],
    },
  };
}

/** A dashed line at the start of each stage. */
function drawMarks(chart: uPlot, marks: Plot['marks'], colour: string, font: string): void {
  const { ctx, bbox } = chart;
  if (marks.length < 2) return;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.textAlign = 'left';
  ctx.font = font.replace('11px', `${10 * devicePixelRatio}px`);
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  for (const { at, short } of marks) {
    const x = Math.round(chart.valToPos(at, 'x', true));
    if (x < bbox.left - 1 || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(short, x + 4 * devicePixelRatio, bbox.top - 5 * devicePixelRatio);
  }
  ctx.restore();
}

/** Light or dark: a change draws the charts again. */
function useScheme(): string {
  const query = '(prefers-color-scheme: dark)';
  const [dark, setDark] = useState(() => window.matchMedia(query).matches);
  useEffect(() => {
    const watched = window.matchMedia(query);
    const change = () => setDark(watched.matches);
    watched.addEventListener('change', change);
    return () => watched.removeEventListener('change', change);
  }, []);
  return dark ? 'dark' : 'light';
}
