import { createHash, hash } from 'node:crypto';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  imagesPerShard,
  labelsToBytes,
  SHARD_MANIFEST,
  type ShardManifest,
  type ShardSplit,
  shardLabelsName,
  shardName,
} from '@trikd/core/data/formats/shards';
import { type ImageSource, imageBytes, type LabelledImages } from '@trikd/core/data/image-source';
import { orUnwritable } from '../data-files.js';

/** Bytes that are written at a time, about. */
const CHUNK = 1024 ** 2;

/**
 * Writes a dataset as shards, a piece at a time. The manifest comes last: without it a folder is none of shards.
 * @returns the paths
 * @throws TrikdError 'unavailable' if a file cannot be written, or is there already
 */
export async function writeShards(
  folder: string,
  source: ImageSource,
  perShard = imagesPerShard(source, Math.max(source.train.count, source.test.count)),
): Promise<readonly string[]> {
  const { height, width, channels, classes, classNames } = source;
  await orUnwritable(folder, () => mkdir(folder, { recursive: true }));
  const paths: string[] = [];
  const written = (name: string) => {
    const path = join(folder, name);
    paths.push(path);
    return path;
  };
  const splitOf = async (split: ShardSplit) => {
    const { count, labels } = source[split];
    const content = labelsToBytes(labels, classes);
    await writeNew(written(shardLabelsName(split)), content);
    const shards: string[] = [];
    for (let first = 0; first < count; first += perShard) {
      const range = { first, end: Math.min(count, first + perShard) };
      shards.push(await writeShard(written(shardName(split, shards.length)), source[split], imageBytes(source), range));
    }
    return { images: count, labels: hash('sha256', content), shards };
  };
  const manifest: ShardManifest = {
    format: 'trikd-shards-1',
    ...{ height, width, channels, classes, ...(classNames && { classNames: [...classNames] }) },
    imagesPerShard: perShard,
    train: await splitOf('train'),
    test: await splitOf('test'),
  };
  await writeNew(written(SHARD_MANIFEST), `${JSON.stringify(manifest, undefined, 1)}\n`);
  return paths;
}

/** @returns the SHA-256 of what was written */
async function writeShard(
  path: string,
  { images }: LabelledImages,
  size: number,
  { first, end }: { readonly first: number; readonly end: number },
): Promise<string> {
  const step = Math.max(1, Math.floor(CHUNK / size));
  const digest = createHash('sha256');
  return await orUnwritable(path, async () => {
    const file = await open(path, 'wx');
    try {
      for (let image = first; image < end; image += step) {
        const chunk = images.subarray(image * size, Math.min(end, image + step) * size);
        digest.update(chunk);
        await file.appendFile(chunk);
      }
    } finally {
      await file.close();
    }
    return digest.digest('hex');
  });
}

async function writeNew(path: string, content: Uint8Array | string): Promise<void> {
  await orUnwritable(path, () => writeFile(path, content, { flag: 'wx' }));
}
