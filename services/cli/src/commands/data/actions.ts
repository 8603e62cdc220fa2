import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { inSlices } from '@trikd/core/async/slices';
import { SHARD_MANIFEST } from '@trikd/core/data/formats/shards';
import { contactSheet } from '@trikd/core/data/picture-sheet';
import { splitting } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import type { AdmissionLimits } from '@trikd/core/spec/admission';
import { isByIdentity } from '@trikd/core/spec/data-spec';
import { plainIssue } from '@trikd/core/spec/plain-issue';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { isCifarFolder } from '@trikd/model-host/data/cifar-folder';
import { orUnwritable } from '@trikd/model-host/data/data-files';
import { idxFolderAmong, writeIdx } from '@trikd/model-host/data/idx-folder';
import { encodePng } from '@trikd/model-host/data/images/image-codec';
import { firstImageSize, listingLimits } from '@trikd/model-host/data/images/open-image-folder';
import { loadSource, ownData } from '@trikd/model-host/data/load-dataset';
import { writeShards } from '@trikd/model-host/data/shards/write-shards';
import { processPauses } from '@trikd/process/system-clock';
import { loadSpec } from '../../options/load-spec.js';
import { ownLimits } from '../../run/data-limits.js';
import { print, type Shell, withProgress } from '../../terminal/shell.js';
import { formatted } from '../../terminal/texts.js';
import type { ConvertOptions, DataActions, InspectOptions, ReadingOptions } from './command.js';
import { inspectedOf, inspectedText } from './inspect.js';
import { listSets, pullSets, verifyPlaces } from './sets.js';

/** The commands of `trikd data`. */
export function dataActions(shell: Shell): DataActions {
  return {
    list: (options) => listSets(options, shell),
    pull: (options) => pullSets(options, shell),
    verify: (places) => verifyPlaces(places, shell),
    inspect: (options) => inspect(options, shell),
    convert: (options) => convert(options, shell),
  };
}

async function inspect(options: InspectOptions, shell: Shell): Promise<void> {
  const { sheet, output } = options;
  const limits = ownLimits(shell.env);
  const spec = await specToInspect(options, shell);
  const { source, dataset } = await withProgress(shell, async (report) => {
    report('reading data ...');
    const source = await loadSource(spec, ownData(limits));
    return { source, dataset: await inSlices(splitting(source, spec.data, spec.seed), processPauses) };
  });
  const { name, classNames } = source;
  // A split by identity numbers identities anew.
  const found = inspectedOf({ name, ...(classNames && !isByIdentity(spec.data) && { classNames }) }, dataset);
  if (sheet !== undefined) {
    const picture = encodePng(contactSheet(dataset, spec.augment, spec.seed));
    await orUnwritable(sheet, () => writeFile(sheet, picture));
  }
  print(shell, output === 'table' ? inspectedText(found) : formatted(found, output));
}

async function specToInspect(options: InspectOptions, { env }: Shell): Promise<RunSpec> {
  const { path, overrides, seed } = options;
  const set = seed === undefined ? overrides : [...overrides, { path: ['seed'], value: String(seed) }];
  if (/\.ya?ml$/i.test(path)) return loadSpec(path, set);
  if (overrides.length > 0) throw new TrikdError('invalid', `--set changes the spec of a run, and ${path} is none`);
  const spec = await specOfPath(path, options, ownLimits(env));
  return seed === undefined ? spec : { ...spec, seed };
}

async function convert(options: ConvertOptions, shell: Shell): Promise<void> {
  const limits = ownLimits(shell.env);
  const spec = await specOfPath(options.path, options, limits);
  const paths = await withProgress(shell, async (report) => {
    report('reading data ...');
    const scratch = options.to === 'shards' ? { scratch: dirname(resolve(options.out)) } : {};
    const source = await loadSource(spec, { ...ownData(limits), ...scratch });
    report('writing files ...');
    return await (options.to === 'idx' ? writeIdx(options.out, source) : writeShards(options.out, source));
  });
  for (const path of paths) print(shell, path);
}

/**
 * A run on data that have no spec: the kind of data is found by the names of the files.
 * @throws TrikdError 'not-found' without the folder or file, 'invalid' if it is none of data
 */
async function specOfPath(path: string, options: ReadingOptions, limits: AdmissionLimits): Promise<RunSpec> {
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
