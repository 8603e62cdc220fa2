import { resolve } from 'node:path';
import { inSlices } from '@trikd/core/async/slices';
import { classesIn, type IdxLayout, idxSource } from '@trikd/core/data/idx';
import { type ImageSource, imageBytes } from '@trikd/core/data/image-source';
import { type Dataset, splitting } from '@trikd/core/data/split';
import { makingIdentities, makingSource } from '@trikd/core/data/synthetic';
import { TrikdError } from '@trikd/core/domain/errors';
import { type Admission, assertAdmitted, type DataSize, ownAdmission } from '@trikd/core/spec/admission';
import { AdmissionLimits } from '@trikd/core/spec/admission-limits';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { taskOf } from '@trikd/core/tasks/task-of';
import { dataFolders, namedDataFolders } from '@trikd/process/environment';
import { processPauses } from '@trikd/process/process-pauses';
import { rememberLast } from '../remember-last.js';
import { IDX_NAMES, idxFolderAmong, openIdxFolder } from './idx-folder.js';

type IdxSpec = Extract<RunSpec['data'], { kind: 'idx' }>;

/** The fewest classes that data have: what is checked before their labels are read. */
const LEAST_CLASSES = 2;

/** How the names of the sets begin that `make emoji` brings. */
const EMOJI = 'emoji-';

/** Where a process finds data, and which it accepts. */
export interface DataSource {
  readonly admission: Admission;
  /** Registered datasets. */
  readonly datasets: Readonly<Record<string, { readonly folder: string }>>;
}

/** The data of the machine, for the person who owns it. */
export function ownData(limits = AdmissionLimits.parse({})): DataSource {
  return { admission: ownAdmission(limits), datasets: {} };
}

/** `loadDataset` for a service, which trains many runs on the same data: the latest dataset is kept. */
export function datasetLoader(source: DataSource): (spec: RunSpec) => Promise<Dataset> {
  const load = rememberLast((spec) => loadDataset(spec, source));
  return async (spec) => {
    const dataset = await load(spec);
    // The data may have been read for a run of smaller models.
    const { train, validation, test } = dataset;
    const images = train.count + validation.count + test.count;
    const size = { ...dataset, images, bytes: images * imageBytes(dataset), train: train.count };
    assertAdmitted(spec, source.admission, size);
    return dataset;
  };
}

/**
 * Reads or generates the images of a run and splits them, in slices that leave the process responsive. IDX files are those of a
 * registered dataset or of the folder of the spec. Otherwise they are searched for in TRIKD_DATA, and where `make data`, `make emoji` and
 * the Debian package install theirs. Their headers are checked before their content is read.
 * @throws TrikdError 'not-found' with the files and every folder tried, 'unavailable' for files that cannot be read,
 * 'invalid' for files that are not IDX, for data that are not admitted, if the spec needs more images than there are, and if the metrics of
 * its task cannot be measured on them
 */
export async function loadDataset(spec: RunSpec, { admission, datasets } = ownData()): Promise<Dataset> {
  assertAdmitted(spec, admission);
  const { data, seed } = spec;
  const source =
    data.kind === 'idx'
      ? await idxSourceOf(await folderOf(data, datasets), spec, admission)
      : await inSlices(
          data.kind === 'synthetic' ? makingSource(data, seed) : makingIdentities(data, seed),
          processPauses,
        );
  const dataset = await inSlices(splitting(source, data, seed), processPauses);
  const task = taskOf(spec);
  for (const split of [dataset.validation, dataset.test]) task.assertMeasurable(split);
  return dataset;
}

async function folderOf({ name, folder }: IdxSpec, datasets: DataSource['datasets']): Promise<string> {
  const folders = foldersOf({ name, folder }, datasets);
  const found = await idxFolderAmong(folders);
  if (found !== undefined) return found;
  const files = Object.values(IDX_NAMES).join(', ');
  const target = name?.startsWith(EMOJI) ? 'make emoji' : 'make data';
  throw new TrikdError(
    'not-found',
    `no folder contains all of ${files}, plain or .gz; tried ${folders.join(', ')}; run \`${target}\`, or set TRIKD_DATA to their folder`,
    { folders },
  );
}

function foldersOf(
  { name, folder }: Pick<IdxSpec, 'name' | 'folder'>,
  datasets: DataSource['datasets'],
): readonly string[] {
  if (folder !== undefined) return [resolve(folder)];
  if (name === undefined) return dataFolders();
  // Names of what every object has, such as `constructor`, are none of a dataset.
  const registered = Object.hasOwn(datasets, name) ? datasets[name] : undefined;
  return registered ? [registered.folder] : namedDataFolders(name);
}

async function idxSourceOf(name: string, spec: RunSpec, admission: Admission): Promise<ImageSource> {
  const folder = await openIdxFolder(name);
  try {
    const { layout } = folder;
    assertAdmitted(spec, admission, sizeOf(layout, LEAST_CLASSES, spec));
    const labels = {
      trainLabels: await folder.labels('trainLabels'),
      testLabels: await folder.labels('testLabels'),
    };
    const classes = classesIn(labels.trainLabels, labels.testLabels);
    assertAdmitted(spec, admission, sizeOf(layout, classes, spec));
    const trainImages = await folder.content('trainImages');
    return idxSource(name, layout, { ...labels, trainImages, testImages: await folder.content('testImages') });
  } finally {
    await folder.close();
  }
}

function sizeOf(layout: IdxLayout, classes: number, { data }: RunSpec): DataSize {
  const images = layout.train + layout.test;
  const train = Math.min(data.train ?? layout.train, layout.train);
  return { ...layout, classes, images, bytes: images * imageBytes(layout), train };
}
