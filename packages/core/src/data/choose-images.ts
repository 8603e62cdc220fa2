import { hash } from 'node:crypto';
import type { Sliced } from '../async/slices.js';
import { TrikdError } from '../domain/errors.js';
import type { DataSpec } from '../spec/data-spec.js';
import { type ImageShape, type ImageSource, imageBytes, type LabelledImages, type Labels } from './image-source.js';

/** Which images of a source are in which split, in their order. */
export interface Choice {
  /** Classes of the training images. */
  readonly classes: number;
  /** Indices into the training files. */
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  /** Indices into the test files. */
  readonly test: Uint32Array;
  /** By label of the source; absent: labels stay as they are. */
  readonly newLabels?: ReadonlyMap<number, number>;
}

/** Chooses image by image. @throws TrikdError 'invalid' if more images are requested than there are */
export function* chooseImages(source: ImageSource, spec: DataSpec, seed: number): Sliced<Choice> {
  const digests = yield* imageDigests(source, source.train);
  const pool = yield* sortedByDigest(digests, source.train.labels, indicesOf(source.train));
  const validation = first(pool, spec.validation, `validation images of ${source.name}`);
  const rest = withoutCopies(pool, validation.length, digests);
  const keys = yield* keyedDigests(digests, seed, rest);
  const drawn = yield* sortedByDigest(keys, source.train.labels, rest);
  const available = `training images of ${source.name} beside ${spec.validation} validation images and their copies`;
  const train = first(drawn, spec.train ?? drawn.length, available);
  const testDigests = yield* imageDigests(source, source.test);
  const tested = yield* sortedByDigest(testDigests, source.test.labels, indicesOf(source.test));
  const test = first(tested, spec.test ?? tested.length, `test images of ${source.name}`);
  return { classes: source.classes, train, validation, test };
}

export function* indicesOf({ count }: LabelledImages): Iterable<number> {
  for (let index = 0; index < count; index++) yield index;
}

/** What is left of a sorted pool without its first images and their copies, which follow them. */
function withoutCopies(pool: Uint32Array, taken: number, digests: Digests): Uint32Array {
  const last = pool[taken - 1]!;
  let next = taken;
  while (next < pool.length && isSameDigest(digests, last, pool[next]!)) next++;
  return pool.subarray(next);
}

function first(list: Uint32Array, count: number, what: string): Uint32Array {
  assertAvailable(list, count, what);
  return list.subarray(0, count);
}

/** @throws TrikdError 'invalid' if there are not as many images as requested, or none are requested */
export function assertAvailable(list: Uint32Array, count: number, what: string): void {
  if (count > 0 && count <= list.length) return;
  throw new TrikdError('invalid', `asked for ${count} of ${list.length} ${what}`, { count, available: list.length });
}

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

/** Bytes of a SHA-256. */
const BYTES = 32;

/** SHA-256 digests, one after the other. */
type Digests = Uint8Array;

/** The digest of each image of a split. */
export function* imageDigests(shape: ImageShape, split: LabelledImages): Sliced<Digests> {
  const size = imageBytes(shape);
  const digests = new Uint8Array(split.count * BYTES);
  for (let index = 0; index < split.count; index++) {
    digests.set(hash('sha256', split.images.subarray(index * size, (index + 1) * size), 'buffer'), index * BYTES);
    yield;
  }
  return digests;
}

/** The digest of `seed:digest` for some of the digests, at the same places. */
function* keyedDigests(digests: Digests, seed: number, among: Uint32Array): Sliced<Digests> {
  const text = Buffer.from(digests.buffer, digests.byteOffset, digests.length);
  const keyed = new Uint8Array(digests.length);
  for (const index of among) {
    const hex = text.toString('hex', index * BYTES, (index + 1) * BYTES);
    keyed.set(hash('sha256', `${seed}:${hex}`, 'buffer'), index * BYTES);
    yield;
  }
  return keyed;
}

/** One digest, in hex. */
function digestText(digests: Digests, index: number): string {
  return Buffer.from(digests.buffer, digests.byteOffset + index * BYTES, BYTES).toString('hex');
}

export function isSameDigest(digests: Digests, a: number, b: number): boolean {
  return difference(digests, a, b) === 0;
}

/**
 * Some indices in the order of their digests. Copies of an image may differ in their label alone; the label breaks the tie, so the
 * order is unique.
 */
export function* sortedByDigest(digests: Digests, labels: Labels, among: Iterable<number>): Sliced<Uint32Array> {
  // One list for each first byte: sorting all of them is one long slice.
  const lists: number[][] = Array.from({ length: 256 }, () => []);
  for (const index of among) lists[digests[index * BYTES]!]!.push(index);
  const sorted = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    list.sort((a, b) => difference(digests, a, b) || labels[a]! - labels[b]!);
    sorted.set(list, at);
    at += list.length;
    yield;
  }
  return sorted;
}

function difference(digests: Digests, a: number, b: number): number {
  const [left, right] = [a * BYTES, b * BYTES];
  for (let byte = 0; byte < BYTES; byte++) {
    const ahead = digests[left + byte]! - digests[right + byte]!;
    if (ahead !== 0) return ahead;
  }
  return 0;
}
