import { TrikdError } from '../../domain/errors.js';

/** Bytes of a list of pairs, at most. */
export const LONGEST_PAIR_LIST = 16 * 1024 ** 2;

/** Pairs of a list, at most. */
const MOST_LISTED_PAIRS = 100_000;

/** Folds of a list, at most. */
const MOST_FOLDS = 100;

/** Folds that the pairs of a list without any are dealt to. */
const OWN_FOLDS = 10;

/** An image, by the name of its identity and its number. */
export interface NamedImage {
  readonly identity: string;
  /** From 1. */
  readonly number: number;
}

/** A line of a list. */
export interface ListedPair {
  readonly left: NamedImage;
  readonly right: NamedImage;
  readonly same: 0 | 1;
  readonly fold: number;
  /** In the file, from 1. */
  readonly line: number;
}

export interface PairList {
  readonly folds: number;
  readonly pairs: readonly ListedPair[];
}

/**
 * Reads a list of pairs as Labeled Faces in the Wild has them (Huang et al. 2007). The first line of `pairs.txt` has the number of folds and
 * the number n of pairs of either kind in each; that of `pairsDevTest.txt` has n alone. Of each fold follow n lines `NAME NUMBER NUMBER`,
 * two images of one identity, and n lines `NAME NUMBER NAME NUMBER`, of two. The pairs of a list without folds are dealt to ten, in their
 * order.
 * @param path for messages
 * @throws TrikdError 'invalid' with the line that is wrong
 */
export function parsePairList(path: string, text: string): PairList {
  const lines = text.trimEnd().split(/\r?\n/);
  const { folds, each } = firstLine(path, lines[0]!);
  const expected = 2 * folds * each;
  if (lines.length - 1 !== expected) {
    throw wrong(path, 1, `${folds} x 2 x ${each} pairs are ${expected} lines, and ${lines.length - 1} follow`);
  }
  const pairs = lines.slice(1).map((line, index) => {
    const same = index % (2 * each) < each ? 1 : 0;
    const fold =
      folds > 1 ? Math.floor(index / (2 * each)) : Math.floor(((index % each) * Math.min(OWN_FOLDS, each)) / each);
    return { ...pairIn(path, line, index + 2, same), same, fold, line: index + 2 } as const;
  });
  return { folds: folds > 1 ? folds : Math.min(OWN_FOLDS, each), pairs };
}

function firstLine(path: string, line: string): { readonly folds: number; readonly each: number } {
  const found = /^(?:(\d{1,9})[\t ]+)?(\d{1,9})$/.exec(line.trim());
  if (!found) throw wrong(path, 1, 'expected the number of folds and of pairs of either kind in each, such as 10 300');
  const [folds, each] = [Number(found[1] ?? 1), Number(found[2])];
  if (folds < 1 || folds > MOST_FOLDS) throw wrong(path, 1, `${folds} folds: there are 1 to ${MOST_FOLDS}`);
  if (folds * each < 2) throw wrong(path, 1, 'two pairs of either kind are needed');
  if (2 * folds * each > MOST_LISTED_PAIRS) {
    throw wrong(path, 1, `${2 * folds * each} pairs: at most ${MOST_LISTED_PAIRS} are read`);
  }
  return { folds, each };
}

function pairIn(path: string, line: string, at: number, same: 0 | 1): Pick<ListedPair, 'left' | 'right'> {
  const fields = line.trim().split(/[\t ]+/);
  const [name, first, ...rest] = fields;
  const [other, second] = same === 1 ? [name, rest[0]] : rest;
  if (fields.length !== (same === 1 ? 3 : 4) || !isNumber(first) || !isNumber(second)) {
    const what = same === 1 ? 'NAME NUMBER NUMBER, of one identity' : 'NAME NUMBER NAME NUMBER, of two identities';
    throw wrong(path, at, `expected ${what}`);
  }
  const [left, right] = [
    { identity: name!, number: Number(first) },
    { identity: other!, number: Number(second) },
  ];
  if (same === 0 && name === other) throw wrong(path, at, `${name} is named as two identities`);
  if (same === 1 && left.number === right.number) throw wrong(path, at, 'an image is compared with itself');
  return { left, right };
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,9}$/.test(text);
}

function wrong(path: string, line: number, problem: string): TrikdError {
  return new TrikdError('invalid', `${path}: line ${line}: ${problem}`, { path, line });
}

/** `Ann_Lee_0003`, the name of its file without the ending. */
export function stemOf({ identity, number }: NamedImage): string {
  return `${identity}_${String(number).padStart(4, '0')}`;
}
