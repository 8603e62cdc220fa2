import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { modulesFolder } from '@trikd/process/environment';
import { findModule, keepModule } from '@trikd/process/modules/module-folder';
import { readModule } from '@trikd/process/modules/module-text';

/**
 * The settings of a run with the SHA-256 of each module that they name by its file, and with the name of that file alone: the run is the
 * same wherever the file is. The texts are kept, so that the services of this user and later commands find them by their digests. A file that
 * is not there may be one of them: the run file in a report names modules as they were.
 * @param file of the settings, from which paths are seen
 * @throws TrikdError 'invalid' for a file that cannot be read, or has another digest than the settings say
 */
export function withNamedModules(settings: unknown, file: string): unknown {
  if (Array.isArray(settings)) return settings.map((each) => withNamedModules(each, file));
  if (settings === null || typeof settings !== 'object') return settings;
  const fields = Object.entries(settings).map(([name, value]) => [name, withNamedModules(value, file)]);
  return { ...Object.fromEntries(fields), ...named(settings, file) };
}

function named(settings: object, file: string): object {
  if (!('kind' in settings && settings.kind === 'module' && 'file' in settings)) return {};
  // What is no text, or no module, is reported with the other mistakes.
  if (typeof settings.file !== 'string' || !/\.(ts|mts|js|mjs)$/.test(settings.file)) return {};
  const path = resolve(dirname(file), settings.file);
  if ('sha256' in settings && typeof settings.sha256 === 'string' && !existsSync(path)) {
    const kept = { file: basename(settings.file), sha256: settings.sha256 };
    findModule(modulesFolder(), kept);
    return kept;
  }
  const module = readModule(path);
  const { sha256 } = module;
  if ('sha256' in settings && settings.sha256 !== undefined && settings.sha256 !== sha256) {
    const problem = `the module ${settings.file} has the SHA-256 ${sha256}, not ${String(settings.sha256)}`;
    throw new TrikdError('invalid', problem, { module: settings.file });
  }
  keepModule(modulesFolder(), module);
  return { file: basename(settings.file), sha256 };
}
