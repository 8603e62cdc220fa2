import { hash } from 'node:crypto';
import type { Sliced } from '../async/slices.js';
import { TrikdError } from '../domain/errors.js';
import type { DataSpec } from '../spec/data-spec.js';
import { assertAvailable, type Choice, indicesOf } from './choose-images.js';
import { type Digests, digestText, imageDigests, keyedDigests, sortedByDigest } from './image-digests.js';
import type { ImageSource, Labels } from './image-source.js';

/**
 * Chooses whole identities, which are the labels of the source: none occurs in two splits. Identities are ordered by digest, those of
 * training keyed with the seed, and as many are taken as fit into the number of images requested. Training identities get the
 * labels 0 .. classes-1 in the order of the source's, those of validation and test the ones that follow: none is mistaken for a class.
 * @throws TrikdError 'invalid' if more images are requested than there are, if not one identity fits, and if an identity is in the
 * training and in the test files
 */
export function* chooseIdentities(source: ImageSource, spec: DataSpec, seed: number): Sliced<Choice> {
  const { name } = source;
  const { labels } = source.train;
  assertDisjoint(source);
  const digests = yield* imageDigests(source, source.train);
  const pool = yield* sortedByDigest(digests, labels, indicesOf(source.train));
  const identities = inOrder(pool, labels, digests, 'identity');
  const validation = ofFirst(identities, pool, labels, spec.validation, `validation images of ${name}`);
  const rest = withoutThose(pool, labels, digests, validation);
  const keys = yield* keyedDigests(digests, seed, rest);
  const drawn = yield* sortedByDigest(keys, labels, rest);
  const available = `training images of ${name} beside ${validation.length} validation images and their copies`;
  const drawnIdentities = inOrder(rest, labels, digests, `${seed}`);
  const train = ofFirst(drawnIdentities, drawn, labels, spec.train ?? drawn.length, available);
  const testDigests = yield* imageDigests(source, source.test);
  const tested = yield* sortedByDigest(testDigests, source.test.labels, indicesOf(source.test));
  const testLabels = source.test.labels;
  const testIdentities = inOrder(tested, testLabels, testDigests, 'identity');
  const test = ofFirst(testIdentities, tested, testLabels, spec.test ?? tested.length, `test images of ${name}`);
  const trained = labelsOf(train, labels);
  const all = [...trained, ...labelsOf(validation, labels), ...labelsOf(test, testLabels)];
  const newLabels = new Map(all.map((label, index) => [label, index]));
  return { classes: trained.length, train, validation, test, newLabels };
}

function assertDisjoint({ name, train, test }: ImageSource): void {
  const trained = new Set(train.labels);
  const both = test.labels.find((label) => trained.has(label));
  if (both === undefined) return;
  const files = `the training and the test files of ${name}`;
  throw new TrikdError(
    'invalid',
    `identity ${both} is in ${files}: a split by identity needs other identities in each`,
  );
}

/** The labels in a list of images that is sorted by digest. */
function inOrder(list: Uint32Array, labels: Labels, digests: Digests, salt: string): readonly number[] {
  const keys = new Map<number, string>();
  for (const index of list) {
    const label = labels[index]!;
    // A digest of the first digest: the first itself is the smaller, the more images there are.
    if (!keys.has(label)) keys.set(label, hash('sha256', `${salt}:${digestText(digests, index)}`));
  }
  // Two identities whose first images are copies have the same key.
  const byKey = ([a, left]: [number, string], [b, right]: [number, string]) =>
    left === right ? a - b : left < right ? -1 : 1;
  return [...keys].sort(byKey).map(([label]) => label);
}

/** The images in a list of the first identities that have at most so many together. */
function ofFirst(
  identities: readonly number[],
  list: Uint32Array,
  labels: Labels,
  most: number,
  what: string,
): Uint32Array {
  assertAvailable(list, most, what);
  const sizes = new Map<number, number>();
  for (const index of list) sizes.set(labels[index]!, (sizes.get(labels[index]!) ?? 0) + 1);
  const taken = new Set<number>();
  let count = 0;
  for (const label of identities) {
    count += sizes.get(label)!;
    if (count > most) break;
    taken.add(label);
  }
  if (taken.size > 0) return list.filter((index) => taken.has(labels[index]!));
  throw new TrikdError('invalid', `${most} ${what} are fewer than those of one identity`, { count: most });
}

/** What is left of a list without the identities of some images, and without copies of these under another label. */
function withoutThose(list: Uint32Array, labels: Labels, digests: Digests, taken: Uint32Array): Uint32Array {
  const identities = new Set(Array.from(taken, (index) => labels[index]!));
  const copies = new Set(Array.from(taken, (index) => digestText(digests, index)));
  return list.filter((index) => !identities.has(labels[index]!) && !copies.has(digestText(digests, index)));
}

/** The labels of some images, ascending. */
function labelsOf(chosen: Uint32Array, labels: Labels): readonly number[] {
  return [...new Set(Array.from(chosen, (index) => labels[index]!))].sort((a, b) => a - b);
}
