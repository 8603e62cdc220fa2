import { hash } from 'node:crypto';
import { join } from 'node:path';
import {
  labelBytes,
  labelsFromBytes,
  SHARD_MANIFEST,
  ShardManifest,
  type ShardSplit,
  shardBytes,
  shardLabelsName,
  shardName,
} from '@trikd/core/data/formats/shards';
import type { LabelledImages } from '@trikd/core/data/image-source';
import { imageBytes } from '@trikd/core/data/image-source';
import { TrikdError } from '@trikd/core/domain/errors';
import { plainIssue } from '@trikd/core/spec/plain-issue';
import { contentOf, openRegular, type RegularFile } from '../data-files.js';
import type { StoredImages } from '../stored-images.js';
import { verifyFiles } from '../verify-files.js';
import { filePixels } from './file-pixels.js';

/** Bytes of a manifest, at most. */
const LONGEST_MANIFEST = 32 * 1024 ** 2;

/**
 * Opens a folder of shards: `shards.json`, the labels and the pixels. Pixels stay in the files.
 * @returns undefined when the folder has no manifest
 * @throws TrikdError 'invalid' for a manifest that cannot be used
 */
export async function openShardFolder(folder: string): Promise<StoredImages | undefined> {
  const manifest = await readManifest(folder);
  if (!manifest) return undefined;
  const { classNames, train, test, classes, height, width, channels } = manifest;
  const shape = { height, width, channels };
  return {
    layout: { ...shape, train: train.images, test: test.images, staysInFiles: true },
    classes,
    read: async () => ({
      ...{ name: folder, ...shape, classes, ...(classNames && { classNames }) },
      train: await openSplit(folder, manifest, 'train'),
      test: await openSplit(folder, manifest, 'test'),
    }),
    close: async () => undefined,
  };
}

/**
 * Compares every file of a folder of shards with its SHA-256.
 * @param read receives the bytes that were read, file by file
 * @returns the number of files; undefined when the folder has no manifest
 * @throws TrikdError 'invalid' with all files that are damaged
 */
export async function verifyShardFolder(folder: string, read: (bytes: number) => void): Promise<number | undefined> {
  const manifest = await readManifest(folder);
  if (!manifest) return undefined;
  const files = (['train', 'test'] as const).flatMap((split) => {
    const { labels, shards } = manifest[split];
    const named = shards.map((sha256, index) => ({ path: shardName(split, index), sha256 }));
    return [{ path: shardLabelsName(split), sha256: labels }, ...named];
  });
  await verifyFiles(folder, files, read);
  return files.length;
}

async function readManifest(folder: string): Promise<ShardManifest | undefined> {
  const path = join(folder, SHARD_MANIFEST);
  const file = await openRegular(path);
  if (!file) return undefined;
  try {
    if (file.bytes > LONGEST_MANIFEST) throw invalid(path, `${file.bytes} bytes: at most ${LONGEST_MANIFEST} are read`);
    const result = ShardManifest.safeParse(parsed(path, await contentOf(file)), { error: plainIssue });
    if (result.success) return result.data;
    const issues = result.error.issues.map(({ path: at, message }) => [at.join('.'), message].join(': '));
    throw invalid(path, issues.slice(0, 8).join('; '));
  } finally {
    await file.handle.close();
  }
}

function parsed(path: string, content: Buffer): unknown {
  try {
    return JSON.parse(content.toString());
  } catch {
    throw invalid(path, 'is no JSON');
  }
}

async function openSplit(folder: string, manifest: ShardManifest, split: ShardSplit): Promise<LabelledImages> {
  const { images, shards } = manifest[split];
  const labels = await readLabels(folder, manifest, split);
  const files: RegularFile[] = [];
  try {
    for (const index of shards.keys()) {
      files.push(await openSized(join(folder, shardName(split, index)), shardBytes(manifest, split, index)));
    }
  } catch (error) {
    await Promise.all(files.map(({ handle }) => handle.close()));
    throw error;
  }
  const { imagesPerShard: imagesPerFile } = manifest;
  return { count: images, labels, images: filePixels({ files, imagesPerFile, images, size: imageBytes(manifest) }) };
}

async function readLabels(folder: string, manifest: ShardManifest, split: ShardSplit) {
  const { images, labels: sha256 } = manifest[split];
  const path = join(folder, shardLabelsName(split));
  const file = await openSized(path, images * labelBytes(manifest.classes));
  try {
    const content = await contentOf(file);
    if (hash('sha256', content) !== sha256) throw invalid(path, 'holds other bytes than shards.json says');
    const labels = labelsFromBytes(content, manifest.classes);
    if (!labels) throw invalid(path, `has a label that is none of ${manifest.classes} classes`);
    return labels;
  } finally {
    await file.handle.close();
  }
}

async function openSized(path: string, bytes: number): Promise<RegularFile> {
  const file = await openRegular(path);
  if (!file) throw new TrikdError('not-found', `there is no file ${path}`, { path });
  if (file.bytes === bytes) return file;
  await file.handle.close();
  throw invalid(path, `has ${file.bytes} bytes, expected ${bytes}`);
}

function invalid(path: string, problem: string): TrikdError {
  return new TrikdError('invalid', `${path}: ${problem}`, { path });
}
