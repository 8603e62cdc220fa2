import { hash } from 'node:crypto';
import type { Sliced } from '../async/slices.js';
import { type ImageShape, imageBytes, type LabelledImages, type Labels } from './image-source.js';

/** Bytes of a SHA-256. */
const BYTES = 32;

/** SHA-256 digests, one after the other. */
export type Digests = Uint8Array;

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
export function* keyedDigests(digests: Digests, seed: number, among: Uint32Array): Sliced<Digests> {
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
export function digestText(digests: Digests, index: number): string {
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
