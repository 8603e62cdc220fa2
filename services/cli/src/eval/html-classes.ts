import type { CalibrationBin } from '@trikd/core/tasks/classification/calibration';
import type { ClassDetails } from '@trikd/core/tasks/classification/class-details';
import { percent } from '@trikd/events/names';
import { escaped } from '../escaped.js';
import { type ClassNames, className, mostConfused, shareText } from './details-text.js';
import { htmlTable, picture } from './html-text.js';
import { bar, line, unitPlot } from './svg.js';

/** Classes of a matrix, at most; with more the most frequent wrong answers are listed. */
const MOST_IN_MATRIX = 50;
const MOST_LISTED = 50;
const MOST_PICTURES = 48;

/** Where a classifier errs, as HTML. */
export function classSection(details: ClassDetails, names: ClassNames, url: (index: number) => string): string {
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
