import { percent } from '@trikd/events/names';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { value } from './format.js';
import { Scroll } from './scroll.js';
import { newest, type Plot, type Series } from './series.js';

const HEIGHT = 200;

interface ChartProps {
  readonly plot: Plot;
  /** What its marks are: `generation` or `stage`. */
  readonly word: string;
  /** The class and custom property with the colour of a learner. */
  readonly colourOf: (learner: string) => string;
}

/** A plot, a legend with the values at the pointer or the newest ones, and a table of values. */
export function Chart({ plot, word, colourOf }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const drawn = useRef<uPlot | undefined>(undefined);
  const [pointed, setPointed] = useState<number>();
  const scheme = useScheme();
  const shape = plot.series.map((series) => `${nameOf(series)} ${colourOf(series.learner)}`).join();
  const marks = useRef(plot.marks);
  marks.current = plot.marks;

  // The chart is built again only when its lines change; new values go into the existing chart.
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const options = optionsOf(plot, colourOf, element.clientWidth, () => marks.current, setPointed);
    const chart = new uPlot(options, dataOf(plot), element);
    drawn.current = chart;
    const resized = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      chart.destroy();
      drawn.current = undefined;
    };
  }, [shape, scheme]);
  useEffect(() => drawn.current?.setData(dataOf(plot)), [plot]);

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
          <li key={nameOf(series)} class={colourOf(series.learner)}>
            <Line split={series.split} />
            {nameOf(series)}{' '}
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
              <th key={nameOf(series)} scope="col" class="number">
                {nameOf(series)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {plot.marks.map(({ generation, label, at }, index) => {
            const end = plot.marks[index + 1]?.at ?? Number.POSITIVE_INFINITY;
            return (
              <tr key={generation}>
                <th scope="row">{label}</th>
                {plot.series.map((series) => (
                  <td key={nameOf(series)} class="number">
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
function Line({ split }: { readonly split: Series['split'] }) {
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
        opacity={strong ? 1 : 0.7}
      />
      {strong && <circle cx="11" cy="4" r="3" fill="currentColor" />}
    </svg>
  );
}

function nameOf({ learner, split }: Series): string {
  return split === 'train' ? learner : `${learner}, validation`;
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

function dataOf({ steps, series }: Plot): uPlot.AlignedData {
  return [[...steps], ...series.map(({ values }) => values.map((each) => each ?? null))];
}

function optionsOf(
  plot: Plot,
  colourOf: ChartProps['colourOf'],
  width: number,
  marks: () => Plot['marks'],
  pointed: (index: number | undefined) => void,
): uPlot.Options {
  const colours = getComputedStyle(document.documentElement);
  const colour = (name: string) => colours.getPropertyValue(`--${name}`).trim();
  const font = `11px ${colours.fontFamily}`;
  const axis = {
    stroke: colour('muted'),
    font,
    grid: { stroke: colour('line'), width: 1 },
    ticks: { stroke: colour('line'), width: 1, size: 4 },
  };
  const format = (_: uPlot, ticks: number[]) =>
    ticks.map((each) => (plot.share ? `${+(100 * each).toFixed(1)} %` : String(+each.toPrecision(6))));
  return {
    width: Math.max(width, 50),
    height: HEIGHT,
    padding: [16, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { x: { time: false } },
    axes: [
      { ...axis, size: 28, space: 60 },
      { ...axis, size: 58, values: format },
    ],
    series: [
      {},
      ...plot.series.map(({ learner, split }) => ({
        stroke: colour(colourOf(learner)),
        width: split === 'validation' ? 2.5 : 1.25,
        alpha: split === 'validation' ? 1 : 0.7,
        spanGaps: true,
        points: { show: split === 'validation', size: 6 },
      })),
    ],
    hooks: {
      setCursor: [({ cursor }) => pointed(cursor.idx ?? undefined)],
      drawAxes: [(chart) => drawMarks(chart, marks(), colour('muted'), font)],
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
