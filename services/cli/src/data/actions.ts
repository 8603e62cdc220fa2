import { writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { inSlices } from '@trikd/core/async/slices';
import { contactSheet } from '@trikd/core/data/contact-sheet';
import { splitting } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import { isByIdentity } from '@trikd/core/spec/data-spec';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { encodePng } from '@trikd/model-host/data/images/encode-png';
import { loadSource, ownData } from '@trikd/model-host/data/load-source';
import { orUnwritable } from '@trikd/model-host/data/or-unwritable';
import { writeShards } from '@trikd/model-host/data/shards/write-shards';
import { writeIdx } from '@trikd/model-host/data/write-idx';
import { processPauses } from '@trikd/process/process-pauses';
import { loadSpec } from '../load-spec.js';
import { ownLimits } from '../own-limits.js';
import { withProgress } from '../progress.js';
import { print, type Shell } from '../shell.js';
import { formatted } from '../texts.js';
import type { ConvertOptions, DataActions, InspectOptions } from './command.js';
import { inspectedOf, inspectedText } from './inspected.js';
import { listSets, pullSets, verifyPlaces } from './sets.js';
import { specOfPath } from './spec-of-path.js';

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
