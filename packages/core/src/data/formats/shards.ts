import { z } from 'zod';
import { Positive, Size, WIDEST } from '../../spec/fields.js';
import { type ImageShape, imageBytes, type Labels, makeLabels } from '../image-source.js';

/** The name of the file that describes a folder of shards. */
export const SHARD_MANIFEST = 'shards.json';

/** Shards of a split, at most: each is an open file of every process that reads the data. */
export const MOST_SHARDS = 512;

/** Bytes of a shard, about, unless there would be too many. */
const SHARD_BYTES = 64 * 1024 ** 2;

/** Characters of the name of a class. */
const LONGEST_NAME = 255;

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex');

const Split = z.strictObject({ images: Positive, labels: Sha256, shards: z.array(Sha256).min(1).max(MOST_SHARDS) });

/** What is in a folder of shards. Names of files are not in it: they follow from the numbers. */
export const ShardManifest = z
  .strictObject({
    format: z.literal('trikd-shards-1'),
    ...{ height: Size, width: Size, channels: Size },
    classes: z.int().min(2).max(WIDEST),
    classNames: z.array(z.string().max(LONGEST_NAME)).max(WIDEST).optional(),
    imagesPerShard: Positive,
    train: Split,
    test: Split,
  })
  .superRefine(({ imagesPerShard, classes, classNames, train, test }, context) => {
    for (const [path, { images, shards }] of Object.entries({ train, test })) {
      const expected = Math.ceil(images / imagesPerShard);
      if (shards.length === expected) continue;
      const message = `${images} images are ${expected} shards of ${imagesPerShard} images, not ${shards.length}`;
      context.addIssue({ code: 'custom', path: [path, 'shards'], message });
    }
    if (classNames && classNames.length !== classes) {
      context.addIssue({ code: 'custom', path: ['classNames'], message: `expected ${classes} names` });
    }
  });
export type ShardManifest = z.infer<typeof ShardManifest>;

/** Of which the manifest describes two. */
export type ShardSplit = 'train' | 'test';

/** `train-00042.bin`: pixels of images, one after the other. */
export function shardName(split: ShardSplit, index: number): string {
  return `${split}-${String(index).padStart(5, '0')}.bin`;
}

/** One byte for each label, or two in little-endian order with more than 256 classes. */
export function shardLabelsName(split: ShardSplit): string {
  return `${split}-labels.bin`;
}

/** Images of each shard but the last. */
export function imagesPerShard(shape: ImageShape, images: number): number {
  return Math.max(1, Math.floor(SHARD_BYTES / imageBytes(shape)), Math.ceil(images / MOST_SHARDS));
}

/** Bytes of a shard. */
export function shardBytes(manifest: ShardManifest, split: ShardSplit, index: number): number {
  const { images } = manifest[split];
  const first = index * manifest.imagesPerShard;
  return (Math.min(images, first + manifest.imagesPerShard) - first) * imageBytes(manifest);
}

/** Bytes of a label. */
export function labelBytes(classes: number): 1 | 2 {
  return makeLabels(0, classes).BYTES_PER_ELEMENT === 1 ? 1 : 2;
}

/** Labels as they are stored. */
export function labelsToBytes(labels: Labels, classes: number): Uint8Array {
  if (labelBytes(classes) === 1) return Uint8Array.from(labels);
  const bytes = new DataView(new ArrayBuffer(2 * labels.length));
  for (const [index, label] of labels.entries()) bytes.setUint16(2 * index, label, true);
  return new Uint8Array(bytes.buffer);
}

/** Labels from how they are stored; undefined if one is no class. */
export function labelsFromBytes(content: Uint8Array, classes: number): Labels | undefined {
  const width = labelBytes(classes);
  const bytes = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const labels = makeLabels(content.length / width, classes);
  for (let i = 0; i < labels.length; i++) labels[i] = width === 1 ? bytes.getUint8(i) : bytes.getUint16(2 * i, true);
  return labels.some((label) => label >= classes) ? undefined : labels;
}
