import type { ObjectStore } from '@trikd/core/domain/object-store';
import { loadConfig } from '@trikd/process/config';
import { openFolderStore } from '@trikd/store/folder-store';
import { openStore } from '@trikd/store/open-store';
import { OWN_STORES } from '@trikd/store/run-places';
import { StoreConfig } from '@trikd/store/store-config';
import { z } from 'zod';
import type { Shell } from '../terminal/shell.js';

/** The variables that name a store, as services read them. */
const PREFIX = 'TRIKD_STORE__';

const Config = z.strictObject({ store: StoreConfig });

/**
 * The store that `TRIKD_STORE__*` variables name; undefined without any.
 * @throws TrikdError 'invalid' when they name none completely
 */
export function storeInEnvironment(env: Shell['env']): StoreConfig | undefined {
  const own = Object.entries(env).filter(([name, value]) => name.startsWith(PREFIX) && value !== '');
  return own.length === 0 ? undefined : loadConfig(Config, Object.fromEntries(own)).store;
}

/** The part of a service's configuration that names its store. */
const AnyConfig = z.looseObject({ store: StoreConfig });

/** The store that the configuration of a service names. @throws TrikdError 'invalid' for a file that has none */
export function configuredStore(file: string, env: Shell['env']): StoreConfig {
  return loadConfig(AnyConfig, env, file).store;
}

/** The part of a store that is for one run alone. */
export function storeOfRun(config: StoreConfig, runId: string): StoreConfig {
  const own = `${OWN_STORES}/${runId}`;
  if (config.kind === 'folder') return { ...config, path: `${config.path}/${own}` };
  return { ...config, prefix: config.prefix === undefined ? own : `${config.prefix}/${own}` };
}

/** Opens a store to look into it: writes nothing to a bucket. @throws TrikdError 'unavailable' when it cannot be reached */
export function openRunStore(config: StoreConfig): Promise<ObjectStore> {
  return config.kind === 'folder' ? openFolderStore(config.path) : openStore(config, { verify: 'nothing' });
}

/** The same environment without variables that name a store. */
export function withoutStore(env: Shell['env']): Shell['env'] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith(PREFIX)));
}

/** A store as settings of a service, by path. */
export function storeSettings(config: StoreConfig): Readonly<Record<string, string>> {
  const fields = Object.entries(config).map(([name, value]) => [
    `store.${name}`,
    typeof value === 'string' ? value : value?.reveal(),
  ]);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

/** A store, or an object in it, as a person writes it: a path, or `s3://bucket/prefix`. */
export function placeInStore(config: StoreConfig, key?: string): string {
  const parts = config.kind === 'folder' ? [config.path, key] : [`s3://${config.bucket}`, config.prefix, key];
  return parts.filter((part) => part !== undefined).join('/');
}
