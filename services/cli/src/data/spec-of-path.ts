import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SHARD_MANIFEST } from '@trikd/core/data/shards';
import { TrikdError } from '@trikd/core/domain/errors';
import type { AdmissionLimits } from '@trikd/core/spec/admission-limits';
import { plainIssue } from '@trikd/core/spec/plain-issue';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { isCifarFolder } from '@trikd/model-host/data/cifar-folder';
import { idxFolderAmong } from '@trikd/model-host/data/idx-folder';
import { firstImageSize, listingLimits } from '@trikd/model-host/data/images/open-image-folder';
import type { ReadingOptions } from './command.js';

/**
 * A run on data that have no spec: the kind of data is found by the names of the files.
 * @throws TrikdError 'not-found' without the folder or file, 'invalid' if it is none of data
 */
export async function specOfPath(path: string, options: ReadingOptions, limits: AdmissionLimits): Promise<RunSpec> {
  const data = await dataOf(path, options, limits);
  const { validation, test } = options;
  const sizes = { ...(validation !== undefined && { validation }), ...(test !== undefined && { test }) };
  // A model whose size does not depend on that of the images.
  const student = { model: { kind: 'resnet', depth: 8, width: 1 } };
  const written = { name: 'data', method: 'ce', data: { ...data, ...sizes }, epochs: 1, batchSize: 1, student };
  const result = RunSpec.safeParse(written, { error: plainIssue });
  if (result.success) return result.data;
  throw new TrikdError('invalid', `${path}: ${result.error.issues.map(({ message }) => message).join('; ')}`, { path });
}

async function dataOf(path: string, { size, channels }: ReadingOptions, limits: AdmissionLimits): Promise<object> {
  const stats = await stat(path).catch(() => undefined);
  if (!stats) throw new TrikdError('not-found', `there is no file or folder ${path}`, { path });
  if (!stats.isDirectory()) return { kind: 'npz', file: path };
  if ((await idxFolderAmong([path])) !== undefined) return { kind: 'idx', folder: path };
  if (existsSync(join(path, SHARD_MANIFEST))) return { kind: 'shards', folder: path };
  if (await isCifarFolder(path)) return { kind: 'cifar', folder: path };
  const first = size ? { height: size[0], width: size[1] } : await firstImageSize(path, listingLimits(limits));
  // Without an image, reading the folder says what is expected there.
  const { height, width } = first ?? { height: 1, width: 1 };
  return { kind: 'images', folder: path, size: [height, width], ...(channels !== undefined && { channels }) };
}
