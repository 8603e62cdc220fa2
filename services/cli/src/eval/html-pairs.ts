import type { HardPair, PairDetails, SimilarityBin } from '@trikd/core/tasks/verification/pair-details';
import { picture } from './html-text.js';
import { bar, line, unitPlot } from './svg.js';

/** Where a model of identities errs, as HTML. */
export function pairSection({ roc, area, similarities, worst }: PairDetails, url: (index: number) => string): string {
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
