import { readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { type DataRequest, type ModuleSource, moduleSource } from '@trikd/core/data/module-source';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import type { StoredData } from '@trikd/core/spec/data-spec';
import { findModule, importModule } from '@trikd/process/user-modules';
import type { StoredImages } from './stored-images.js';

/**
 * Has a function of a module return images: its code is executed. A run has been admitted before, and so has its module.
 * @param folder with the modules of this process
 * @throws TrikdError 'invalid' for a module that the folder does not have, that throws, or that returns no images
 */
export async function openModuleData(
  data: Extract<StoredData, { kind: 'module' }>,
  folder: string | undefined,
): Promise<StoredImages> {
  if (folder === undefined) throw new TrikdError('invalid', 'this process runs no module', { module: data.file });
  const make = await importModule(findModule(folder, data), data.export);
  const source = moduleSource(data.file, await returned(make as (request: DataRequest) => unknown, data));
  const { height, width, channels, classes, train, test } = source;
  return {
    layout: { height, width, channels, train: train.count, test: test?.count ?? 0 },
    classes,
    read: async () => source satisfies ModuleSource,
    close: async () => undefined,
  };
}

async function returned(
  make: (request: DataRequest) => unknown,
  { file, settings }: { readonly file: string; readonly settings?: DataRequest['settings'] | undefined },
): Promise<unknown> {
  try {
    return await make({ settings: { ...settings }, readFile: readAbsolute });
  } catch (cause) {
    throw new TrikdError(
      'invalid',
      `the data of ${file} were not made: ${messageOf(cause)}`,
      { module: file },
      { cause },
    );
  }
}

async function readAbsolute(path: string): Promise<Uint8Array> {
  if (!isAbsolute(path))
    throw new Error(`${path} is no absolute path, and each process of a run has a folder of its own`);
  return await readFile(path);
}
