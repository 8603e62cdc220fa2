import type { ClassDetails, Confusion } from '@trikd/core/tasks/classification/class-details';
import type { TaskDetails } from '@trikd/core/tasks/task';
import type { PairDetails } from '@trikd/core/tasks/verification/pair-details';
import { percent } from '@trikd/events/names';
import Table from 'cli-table3';
import { printable } from '../../terminal/printable.js';

/** Names of classes; without names their numbers. */
export type ClassNames = readonly string[] | undefined;

/** Classes of a matrix, at most: more do not fit into a terminal. */
const MOST_IN_MATRIX = 16;

/** Lines of a list, at most. */
const MOST_LISTED = 10;

/** Characters of a bar at its longest. */
const BAR = 40;

/** Where a model errs, for a terminal. */
export function detailsText(details: TaskDetails, names: ClassNames): string {
  return details.kind === 'classes' ? classesText(details, names) : pairsText(details);
}

/** The name of a class. */
export function className(label: number, names: ClassNames): string {
  return names?.[label] ?? String(label);
}

/** A share as a table shows it; a dash for that of nothing. */
export function shareText(share: number | undefined): string {
  return share === undefined ? '-' : percent(share);
}

/** Wrong answers by their number, the most frequent first. */
export function mostConfused(confusion: readonly Confusion[]): readonly Confusion[] {
  const wrong = confusion.filter(({ label, answer }) => label !== answer);
  return wrong.sort((a, b) => b.examples - a.examples || a.label - b.label || a.answer - b.answer);
}

function classesText(details: ClassDetails, names: ClassNames): string {
  const { classes, confusion, calibration, worst } = details;
  const name = (label: number) => printable(className(label, names));
  const scores = table(
    ['class', 'precision', 'recall', 'F1', 'images'],
    classes.map(({ label, precision, recall, f1, support }) => [
      ...[name(label), shareText(precision), shareText(recall), shareText(f1), String(support)],
    ]),
  );
  const bins = table(
    ['confidence', 'mean', 'right', 'examples', ''],
    calibration.map(({ from, to, confidence, right, examples }) => [
      ...[`${percent(from, 0)} to ${percent(to, 0)}`, percent(confidence), percent(right), String(examples)],
      bar(right),
    ]),
    ['left', 'right', 'right', 'right', 'left'],
  );
  const errors = worst.slice(0, MOST_LISTED).map(({ index, label, answer, confidence }) => {
    return `  image ${index}: ${name(label)}, taken for ${name(answer)} with ${percent(confidence)}`;
  });
  return [
    scores,
    confusionText(details, name),
    ...['Of the answers of each confidence, so many are right:', bins],
    ...(confusion.every(({ label, answer }) => label === answer) ? [] : ['The worst answers:', ...errors]),
  ].join('\n');
}

function confusionText({ classes, confusion }: ClassDetails, name: (label: number) => string): string {
  if (classes.length > MOST_IN_MATRIX) {
    const frequent = mostConfused(confusion).slice(0, MOST_LISTED);
    const lines = frequent.map(
      ({ label, answer, examples }) => `  ${name(label)} taken for ${name(answer)}: ${examples}`,
    );
    return ['The most frequent wrong answers:', ...(lines.length > 0 ? lines : ['  none'])].join('\n');
  }
  const counts = new Map(confusion.map(({ label, answer, examples }) => [`${label} ${answer}`, examples]));
  const rows = classes.map(({ label }) => [
    name(label),
    ...classes.map(({ label: answer }) => String(counts.get(`${label} ${answer}`) ?? '')),
  ]);
  const matrix = table(['class \\ answer', ...classes.map(({ label }) => name(label))], rows);
  return `Images of each class, by their answer:\n${matrix}`;
}

function pairsText({ area, similarities, worst }: PairDetails): string {
  const used = similarities.filter(({ same, different }) => same + different > 0);
  const most = Math.max(...used.flatMap(({ same, different }) => [same, different]));
  const bins = table(
    ['similarity', 'same', '', 'different', ''],
    used.map(({ from, to, same, different }) => [
      ...[`${from.toFixed(2)} to ${to.toFixed(2)}`, String(same), bar(same / most, BAR / 2)],
      ...[String(different), bar(different / most, BAR / 2)],
    ]),
    ['left', 'right', 'left', 'right', 'left'],
  );
  const hard = (isSame: boolean) =>
    worst
      .filter(({ same }) => same === isSame)
      .slice(0, MOST_LISTED / 2)
      .map(({ left, right, similarity }) => `  images ${left} and ${right}: ${similarity.toFixed(4)}`);
  return [
    `area below the ROC curve: ${area.toFixed(4)}`,
    ...['Pairs of one identity and of two, by their similarity:', bins],
    ...['The least similar pairs of one identity:', ...hard(true)],
    ...['The most similar pairs of two:', ...hard(false)],
  ].join('\n');
}

function bar(share: number, length = BAR): string {
  return '█'.repeat(Math.round(share * length));
}

type Alignment = 'left' | 'right';

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  colAligns: readonly Alignment[] = head.map((_, column) => (column === 0 ? 'left' : 'right')),
): string {
  const made = new Table({
    head: [...head],
    colAligns: [...colAligns],
    style: { head: [], border: [], compact: true },
  });
  made.push(...rows.map((row) => [...row]));
  return made.toString();
}
