import type { CalibrationBin, ClassDetails } from '@trikd/core/tasks/classification/class-details';
import type { TaskDetails } from '@trikd/core/tasks/task';
import type { HardPair, PairDetails, SimilarityBin } from '@trikd/core/tasks/verification/pair-details';
import { percent } from '@trikd/events/names';
import { escapeHtml as escaped } from '../../terminal/printable.js';
import { type ClassNames, className, mostConfused, shareText } from './details-text.js';

/** A model on a split. */
export interface EvaluatedSection {
  /** Such as `student on test`. */
  readonly title: string;
  /** Which params they are, and the scores. */
  readonly facts: readonly string[];
  readonly details: TaskDetails;
  /** URL of an image of the split. */
  readonly picture: (index: number) => string;
}

export interface EvaluatedPage {
  readonly runId: string;
  readonly classNames: readonly string[] | undefined;
  readonly sections: readonly EvaluatedSection[];
}

/** Nothing is loaded and nothing is executed, whatever names classes have. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

const STYLE = `
:root { color-scheme: light dark; --text: #1c1e21; --quiet: #667; --ground: #fff; --line: #dde; --main: #2463b4; --other: #c2571a; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e7ea; --quiet: #99a; --ground: #16181c; --line: #334; --main: #6ea8f0; --other: #f0955a; }
}
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--ground); }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; }
p.facts { color: var(--quiet); } .wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.6rem; text-align: right; border-bottom: 1px solid var(--line); font-weight: normal; white-space: nowrap; }
th { color: var(--quiet); } th:first-child, td:first-child { text-align: left; }
table.matrix td { min-width: 2rem; text-align: center; } table.matrix th { text-align: center; }
.side { display: flex; flex-wrap: wrap; gap: 2rem; align-items: flex-start; }
svg { max-width: 100%; height: auto; } svg text { font-size: 11px; fill: var(--quiet); } svg .grid { stroke: var(--line); }
svg .main { fill: var(--main); fill-opacity: 0.75; } svg .other { fill: var(--other); fill-opacity: 0.6; }
svg polyline { fill: none; stroke: var(--main); stroke-width: 2; } svg polyline.even { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 4 4; }
ul.pictures { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none; }
ul.pictures li { width: 9rem; font-size: 13px; } ul.pictures li.pair { width: 14rem; }
ul.pictures img { width: 6rem; height: 6rem; object-fit: contain; image-rendering: pixelated; border: 1px solid var(--line); }
`;

/** An evaluation as a page of HTML that needs nothing else. */
export function evaluatedPage({ runId, classNames, sections }: EvaluatedPage): string {
  const title = `Evaluation of ${escaped(runId)}`;
  const parts = sections.map((section) => {
    const facts = section.facts.map((fact) => `<p class="facts">${escaped(fact)}</p>`).join('');
    return `<section><h2>${escaped(section.title)}</h2>${facts}${contentOf(section, classNames)}</section>`;
  });
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="content-security-policy" content="${POLICY}">` +
    `<meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${STYLE}</style></head>` +
    `<body><h1>${title}</h1>${parts.join('')}</body></html>\n`
  );
}

function contentOf({ details, picture }: EvaluatedSection, classNames: EvaluatedPage['classNames']): string {
  return details.kind === 'classes' ? classSection(details, classNames, picture) : pairSection(details, picture);
}

/** Classes of a matrix, at most; with more the most frequent wrong answers are listed. */
const MOST_IN_MATRIX = 50;
const MOST_LISTED = 50;
const MOST_PICTURES = 48;

/** Where a classifier errs, as HTML. */
function classSection(details: ClassDetails, names: ClassNames, url: (index: number) => string): string {
  const name = (label: number) => escaped(className(label, names));
  const { classes, calibration, worst } = details;
  const scores = classes.map(({ label, precision, recall, f1, support }) => [
    ...[name(label), shareText(precision), shareText(recall), shareText(f1), String(support)],
  ]);
  const pictures = worst.slice(0, MOST_PICTURES).map(({ index, label, answer, confidence }) => {
    const text = `${name(label)}, taken for ${name(answer)} with ${percent(confidence)}`;
    return `<li>${picture(url(index), `image ${index}`)}<br>${text}</li>`;
  });
  return (
    `<div class="side"><div><h3>Classes</h3>${htmlTable(['class', 'precision', 'recall', 'F1', 'images'], scores)}</div>` +
    `<div><h3>Calibration</h3>${reliabilityPlot(calibration)}</div></div>` +
    `<h3>Confusion</h3>${confusion(details, name)}` +
    `<h3>Worst answers</h3>${pictures.length > 0 ? `<ul class="pictures">${pictures.join('')}</ul>` : '<p>None.</p>'}`
  );
}

/** The share of right answers by confidence; those of a calibrated model are on the diagonal. */
function reliabilityPlot(bins: readonly CalibrationBin[]): string {
  const bars = bins.map(({ from, to, right }) => bar('main', from, to, right)).join('');
  const diagonal = line('even', [
    [0, 0],
    [1, 1],
  ]);
  const content = bars + diagonal;
  return unitPlot({ label: 'Reliability diagram', x: 'confidence', y: 'share of right answers', content });
}

function confusion({ classes, confusion: cells }: ClassDetails, name: (label: number) => string): string {
  if (classes.length > MOST_IN_MATRIX) {
    const rows = mostConfused(cells).slice(0, MOST_LISTED);
    const texts = rows.map(({ label, answer, examples }) => [name(label), name(answer), String(examples)]);
    return htmlTable(['class', 'taken for', 'images'], texts);
  }
  const counts = new Map(cells.map(({ label, answer, examples }) => [`${label} ${answer}`, examples]));
  const rows = classes.map(({ label, support }) => {
    const answers = classes.map(({ label: answer }) => {
      const examples = counts.get(`${label} ${answer}`) ?? 0;
      const share = support === 0 ? 0 : (examples / support) * 0.6;
      const colour = label === answer ? '36, 99, 180' : '194, 87, 26';
      return `<td style="background: rgba(${colour}, ${share.toFixed(3)})">${examples === 0 ? '' : examples}</td>`;
    });
    return `<tr><th scope="row">${name(label)}</th>${answers.join('')}</tr>`;
  });
  const head = classes.map(({ label }) => `<th scope="col">${name(label)}</th>`).join('');
  return (
    `<p class="facts">A row for each class, a column for each answer.</p><div class="wide"><table class="matrix">` +
    `<thead><tr><th></th>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`
  );
}

/** Where a model of identities errs, as HTML. */
function pairSection({ roc, area, similarities, worst }: PairDetails, url: (index: number) => string): string {
  const curve = line(
    'curve',
    roc.map(({ falseAccepts, trueAccepts }) => [falseAccepts, trueAccepts]),
  );
  const plot = { label: 'ROC curve', x: 'false accept rate', y: 'true accept rate', content: curve };
  const pictures = (isSame: boolean) => worst.filter(({ same }) => same === isSame).map((pair) => pairItem(pair, url));
  return (
    `<div class="side"><div><h3>ROC</h3>${unitPlot(plot)}<p class="facts">area ${area.toFixed(4)}</p></div>` +
    `<div><h3>Similarities</h3>${histogram(similarities)}` +
    '<p class="facts">blue: pairs of one identity, orange: pairs of two</p></div></div>' +
    `<h3>Least similar pairs of one identity</h3><ul class="pictures">${pictures(true).join('')}</ul>` +
    `<h3>Most similar pairs of two</h3><ul class="pictures">${pictures(false).join('')}</ul>`
  );
}

/** Pairs by their cosine, -1 to 1, as shares of the fullest bin. */
function histogram(bins: readonly SimilarityBin[]): string {
  const most = Math.max(1, ...bins.flatMap(({ same, different }) => [same, different]));
  const bars = bins.map(({ from, to, same, different }) => {
    const [left, right] = [(from + 1) / 2, (to + 1) / 2];
    return bar('other', left, right, different / most) + bar('main', left, right, same / most);
  });
  const ticks = ['-1', '-0.5', '0', '0.5', '1'];
  const label = 'Histogram of similarities';
  return unitPlot({ label, x: 'cosine similarity', y: 'share of the fullest bin', content: bars.join(''), ticks });
}

function pairItem({ left, right, similarity }: HardPair, url: (index: number) => string): string {
  const images = [left, right].map((index) => picture(url(index), `image ${index}`));
  return `<li class="pair">${images.join('')}<br>${similarity.toFixed(4)}</li>`;
}

/** A table; its cells are HTML. */
function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`);
  const names = head.map((name) => `<th scope="col">${name}</th>`).join('');
  return `<div class="wide"><table><thead><tr>${names}</tr></thead><tbody>${cells.join('')}</tbody></table></div>`;
}

/** An image of a dataset. @param url without characters of HTML */
function picture(url: string, description: string): string {
  return `<img src="${url}" alt="${escaped(description)}">`;
}

/** Side of the plotting area, in units of the picture. */
export const SIDE = 240;
const MARGIN = { left: 56, right: 12, top: 8, bottom: 36 };
const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** A plot of numbers from 0 to 1 on both axes. */
export interface UnitPlot {
  /** What the plot shows, for who does not see it. */
  readonly label: string;
  readonly x: string;
  readonly y: string;
  /** SVG in the plotting area, whose origin is its upper left corner. */
  readonly content: string;
  /** Texts at the ticks of the x axis. */
  readonly ticks?: readonly string[];
}

/** A plot as SVG; its colours come from the page. */
function unitPlot({ label, x, y, content, ticks = TICKS.map(String) }: UnitPlot): string {
  const width = SIDE + MARGIN.left + MARGIN.right;
  const height = SIDE + MARGIN.top + MARGIN.bottom;
  const lines = TICKS.map((at, place) => {
    const [column, row] = [at * SIDE, (1 - at) * SIDE];
    return (
      `<line class="grid" x1="0" x2="${SIDE}" y1="${row}" y2="${row}"/>` +
      `<text x="-6" y="${row + 4}" text-anchor="end">${at}</text>` +
      `<text x="${column}" y="${SIDE + 16}" text-anchor="middle">${ticks[place] ?? ''}</text>`
    );
  });
  return (
    `<svg role="img" aria-label="${label}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">` +
    `<g transform="translate(${MARGIN.left} ${MARGIN.top})">${lines.join('')}${content}` +
    `<text x="${SIDE / 2}" y="${SIDE + 32}" text-anchor="middle">${x}</text>` +
    `<text transform="translate(-44 ${SIDE / 2}) rotate(-90)" text-anchor="middle">${y}</text></g></svg>`
  );
}

/** A bar that stands on the x axis. @param from, to, height shares of the plotting area */
function bar(kind: string, from: number, to: number, height: number): string {
  const [x, width] = [number(from * SIDE), number((to - from) * SIDE - 1)];
  return `<rect class="${kind}" x="${x}" width="${width}" y="${number((1 - height) * SIDE)}" height="${number(height * SIDE)}"/>`;
}

/** A line through points of shares of the plotting area. */
function line(kind: string, points: readonly (readonly [x: number, y: number])[]): string {
  const path = points.map(([x, y]) => `${number(x * SIDE)},${number((1 - y) * SIDE)}`).join(' ');
  return `<polyline class="${kind}" points="${path}"/>`;
}

function number(value: number): string {
  return value.toFixed(1);
}
