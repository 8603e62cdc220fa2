import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { inSlices } from '@trikd/core/async/slices';
import { classesIn, idxSource } from '@trikd/core/data/formats/idx';
import { SHARD_MANIFEST } from '@trikd/core/data/formats/shards';
import { bytesInMemory, type ImageSource, imageBytes } from '@trikd/core/data/image-source';
import { type Dataset, holdOut, splitting } from '@trikd/core/data/split';
import { makingIdentities, makingSource } from '@trikd/core/data/synthetic';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { TrikdError } from '@trikd/core/domain/errors';
import {
  type Admission,
  AdmissionLimits,
  assertAdmitted,
  type DataSize,
  ownAdmission,
} from '@trikd/core/spec/admission';
import { isStored, type StoredData } from '@trikd/core/spec/data-spec';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { taskOf } from '@trikd/core/tasks/task-of';
import { dataFolders, modulesFolder, namedDataFolders } from '@trikd/process/environment';
import { processPauses } from '@trikd/process/system-clock';
import { loadNetworks } from '../load-networks.js';
import { openCifarFolder } from './cifar-folder.js';
import { IDX_NAMES, idxFolderAmong, openIdxFolder } from './idx-folder.js';
import { listingLimits, openImageFolder } from './images/open-image-folder.js';
import { openModuleData } from './module-data.js';
import { openNpz } from './npz-file.js';
import { openShardFolder } from './shards/shard-folder.js';
import type { StoredImages, StoredLayout } from './stored-images.js';

/** `loadDataset` for a service, which trains many runs on the same data: the latest dataset is kept. */
export function datasetLoader(source: DataSource): (spec: RunSpec) => Promise<Dataset> {
  const load = rememberLast((spec) => loadDataset(spec, source));
  return async (spec) => {
    assertAdmitted(spec, source.admission);
    // The dataset may have been read for a run of other models.
    await loadNetworks(spec, source.modules, source.admission);
    const dataset = await load(spec);
    // The data may have been read for a run of smaller models.
    const { train, validation, test } = dataset;
    const images = train.count + validation.count + test.count;
    const bytes = [train, validation, test].reduce((sum, split) => sum + bytesInMemory(split), 0);
    const size = { ...dataset, images, bytes, train: train.count };
    assertAdmitted(spec, source.admission, size);
    return dataset;
  };
}

/**
 * Reads or generates the images of a run and splits them, in slices that leave the process responsive. The modules of the run are loaded
 * before, so that its models can be built on the dataset.
 * @throws TrikdError as `loadSource`, and 'invalid' if the spec needs more images than there are, and if the metrics of its task cannot be
 * measured on them
 */
export async function loadDataset(spec: RunSpec, source = ownData()): Promise<Dataset> {
  assertAdmitted(spec, source.admission);
  await loadNetworks(spec, source.modules, source.admission);
  const images = await loadSource(spec, source);
  const dataset = await inSlices(splitting(images, spec.data, spec.seed), processPauses);
  const task = taskOf(spec);
  for (const split of [dataset.validation, dataset.test]) task.assertMeasurable(split);
  return dataset;
}

/** The fewest classes that data have: what is checked before their labels are read. */
const LEAST_CLASSES = 2;

/** What to do about a name that is not found. */
const PULL = '`trikd data list` shows what `trikd data pull` brings';

type Datasets = Readonly<Record<string, { readonly folder: string }>>;

/** Where a process finds data, and which it accepts. */
interface DataSource {
  readonly admission: Admission;
  /** Registered datasets. */
  readonly datasets: Datasets;
  /** Folder of modules that it executes; absent: none. */
  readonly modules?: string | undefined;
  /** A folder for decoded images, where they need not fit into memory. */
  readonly scratch?: string;
}

/** The data of the machine, for the person who owns it. */
export function ownData(limits = AdmissionLimits.parse({})): DataSource {
  return { admission: ownAdmission(limits), datasets: {}, modules: modulesFolder() };
}

/**
 * Reads or generates the images of a run. Files are those of a registered dataset or of the path in the spec. Otherwise IDX files are
 * searched for in TRIKD_DATA, and where `make data`, `trikd data pull` and the Debian package install theirs. What headers and names of files
 * say of the size is checked before any content is read.
 * @throws TrikdError 'not-found' with the files and every folder tried, 'unavailable' for files that cannot be read,
 * 'invalid' for files of another format or damaged ones, and for data that are not admitted
 */
export async function loadSource(spec: RunSpec, from = ownData()): Promise<ImageSource> {
  const { admission } = from;
  assertAdmitted(spec, admission);
  const { data, seed } = spec;
  if (data.kind === 'synthetic') return await inSlices(makingSource(data, seed), processPauses);
  if (!isStored(data)) return await inSlices(makingIdentities(data, seed), processPauses);
  const stored = await opened(data, from);
  try {
    const admit = (classes: number) => assertAdmitted(spec, admission, sizeOf(stored.layout, classes, spec));
    admit(stored.classes);
    const { test, ...source } = await stored.read(admit);
    if (test) return { ...source, test };
    const held = holdOut(source, source.train, data.test ?? data.validation);
    return { ...source, ...(await inSlices(held, processPauses)) };
  } finally {
    await stored.close();
  }
}

async function opened(data: StoredData, { datasets, admission, scratch, modules }: DataSource): Promise<StoredImages> {
  switch (data.kind) {
    case 'module':
      return await openModuleData(data, modules);
    case 'idx':
      return await openIdx(await idxFolderOf(data, datasets));
    case 'images':
      return await openImageFolder(
        await existing(foldersOf(data, datasets)),
        data,
        listingLimits(admission.limits),
        scratch,
      );
    case 'cifar': {
      const folders = foldersOf(data, datasets);
      for (const folder of folders) {
        const found = await openCifarFolder(folder, data);
        if (found) return found;
      }
      const files =
        data.labels === undefined ? 'data_batch_1.bin, of CIFAR-10, or train.bin, of CIFAR-100' : 'train.bin';
      throw new TrikdError('not-found', `no folder contains ${files}; tried ${folders.join(', ')}; ${PULL}`, {
        folders,
      });
    }
    case 'shards': {
      const folders = foldersOf(data, datasets);
      for (const folder of folders) {
        const found = await openShardFolder(folder);
        if (found) return found;
      }
      throw new TrikdError('not-found', `no folder contains ${SHARD_MANIFEST}; tried ${folders.join(', ')}`, {
        folders,
      });
    }
    case 'npz': {
      const { name, file } = data;
      const files =
        file === undefined
          ? foldersOf({ name }, datasets).map((folder) => join(folder, `${name}.npz`))
          : [resolve(file)];
      for (const path of files) {
        const found = await openNpz(path);
        if (found) return found;
      }
      throw new TrikdError('not-found', `there is no file ${files.join(', nor ')}`, { files });
    }
  }
}

async function openIdx(name: string): Promise<StoredImages> {
  const folder = await openIdxFolder(name);
  const { layout, close } = folder;
  return {
    layout,
    classes: LEAST_CLASSES,
    read: async (admit) => {
      const labels = {
        trainLabels: await folder.labels('trainLabels'),
        testLabels: await folder.labels('testLabels'),
      };
      admit(classesIn(labels.trainLabels, labels.testLabels));
      const trainImages = await folder.content('trainImages');
      return idxSource(name, layout, { ...labels, trainImages, testImages: await folder.content('testImages') });
    },
    close,
  };
}

async function idxFolderOf(data: FolderChoice, datasets: Datasets): Promise<string> {
  const { name } = data;
  const folders = foldersOf(data, datasets);
  const found = await idxFolderAmong(folders);
  if (found !== undefined) return found;
  const files = Object.values(IDX_NAMES).join(', ');
  const hint = name === undefined ? 'run `make data`' : PULL;
  throw new TrikdError(
    'not-found',
    `no folder contains all of ${files}, plain or .gz; tried ${folders.join(', ')}; ${hint}, or set TRIKD_DATA to their folder`,
    { folders },
  );
}

/** The first folder that there is. */
async function existing(folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    const there = await stat(folder).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (there) return folder;
  }
  throw new TrikdError('not-found', `there is no folder ${folders.join(', nor ')}`, { folders });
}

interface FolderChoice {
  readonly name?: string | undefined;
  readonly folder?: string | undefined;
}

function foldersOf({ name, folder }: FolderChoice, datasets: Datasets): readonly string[] {
  if (folder !== undefined) return [resolve(folder)];
  if (name === undefined) return dataFolders();
  // Names of what every object has, such as `constructor`, are none of a dataset.
  const registered = Object.hasOwn(datasets, name) ? datasets[name] : undefined;
  return registered ? [registered.folder] : namedDataFolders(name);
}

function sizeOf(layout: StoredLayout, classes: number, { data }: RunSpec): DataSize {
  const images = layout.train + layout.test;
  const train = Math.min(data.train ?? layout.train, layout.train);
  const bytes = layout.staysInFiles ? 0 : images * imageBytes(layout);
  return { ...layout, classes, images, bytes, train };
}

/** Caches the latest dataset: the stages of a run share their data and seed. */
export function rememberLast(load: (spec: RunSpec) => Promise<Dataset>): (spec: RunSpec) => Promise<Dataset> {
  let last: { readonly key: string; readonly dataset: Promise<Dataset> } | undefined;
  return (spec) => {
    const key = canonicalJson({ data: spec.data, seed: spec.seed });
    if (last?.key === key) return last.dataset;
    const dataset = load(spec);
    last = { key, dataset };
    // A failure is not cached: the missing files may be there next time.
    dataset.catch(() => {
      if (last?.dataset === dataset) last = undefined;
    });
    return dataset;
  };
}
