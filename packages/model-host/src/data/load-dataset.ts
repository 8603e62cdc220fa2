import { resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { inSlices, type Pauses } from '@trikd/core/async/slices';
import { classesIn, type IdxLayout, idxSource } from '@trikd/core/data/idx';
import { type ImageSource, imageBytes } from '@trikd/core/data/image-source';
import { type Dataset, splitting } from '@trikd/core/data/split';
import { makingSource } from '@trikd/core/data/synthetic';
import { TrikdError } from '@trikd/core/domain/errors';
import { assertAdmitted, type DataSize } from '@trikd/core/spec/admission';
import { AdmissionLimits } from '@trikd/core/spec/admission-limits';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { dataFolders } from '@trikd/process/environment';
import { IDX_NAMES, idxFolderAmong, openIdxFolder, restOf } from './idx-folder.js';

const pauses: Pauses = { now: () => performance.now(), turn };

/** The fewest classes that data have: what is checked before their labels are read. */
const LEAST_CLASSES = 2;

/**
 * Reads or generates the images of a run and splits them, in slices that leave the process responsive. IDX files are searched for in
 * the folder of the spec, otherwise in TRIKD_DATA, otherwise where `make data` and the Debian package install Fashion-MNIST. Their
 * headers are checked before their content is read.
 * @throws TrikdError 'not-found' with the files and every folder tried, 'unavailable' for files that cannot be read,
 * 'invalid' for files that are not IDX, for data above a limit, and if the spec needs more images than there are
 */
export async function loadDataset(spec: RunSpec, limits = AdmissionLimits.parse({})): Promise<Dataset> {
  assertAdmitted(spec, limits);
  const { data, seed } = spec;
  const source = await (data.kind === 'synthetic'
    ? inSlices(makingSource(data, seed), pauses)
    : idxSourceOf(await folderOf(data.folder), spec, limits));
  return inSlices(splitting(source, data, seed), pauses);
}

async function folderOf(folder: string | undefined): Promise<string> {
  const folders = folder === undefined ? dataFolders() : [resolve(folder)];
  const found = await idxFolderAmong(folders);
  if (found !== undefined) return found;
  const files = Object.values(IDX_NAMES).join(', ');
  throw new TrikdError(
    'not-found',
    `no folder contains all of ${files}, plain or .gz; tried ${folders.join(', ')}; run \`make data\`, or set TRIKD_DATA to their folder`,
    { folders },
  );
}

async function idxSourceOf(name: string, spec: RunSpec, limits: AdmissionLimits): Promise<ImageSource> {
  const folder = await openIdxFolder(name);
  try {
    const { layout } = folder;
    assertAdmitted(spec, limits, sizeOf(layout, LEAST_CLASSES, spec));
    const labels = {
      trainLabels: await folder.content('trainLabels'),
      testLabels: await folder.content('testLabels'),
    };
    const classes = classesIn(labels.trainLabels, labels.testLabels);
    assertAdmitted(spec, limits, sizeOf(layout, classes, spec));
    return idxSource(name, layout, await restOf(folder, labels));
  } finally {
    await folder.close();
  }
}

function sizeOf(layout: IdxLayout, classes: number, { data }: RunSpec): DataSize {
  const images = layout.train + layout.test;
  const train = Math.min(data.train ?? layout.train, layout.train);
  return { ...layout, classes, images, bytes: images * imageBytes(layout), train };
}
