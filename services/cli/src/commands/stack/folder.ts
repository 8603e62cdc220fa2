import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { loadConfig } from '@trikd/process/config';
import { PRIVATE_FILE, PRIVATE_FOLDER } from '@trikd/process/private-files';
import { type HeldLock, tryLock } from '@trikd/store/folder-lock';
import { StoreConfig } from '@trikd/store/store-config';
import { stringify } from 'yaml';
import { z } from 'zod';
import { storeInEnvironment } from '../../run/run-store.js';
import type { Shell } from '../../terminal/shell.js';

/** Where everything of a stack is. */
export interface StackFolder {
  readonly path: string;
  readonly logs: string;
  readonly events: string;
  /** Shared by all of its runs. */
  readonly store: StoreConfig;
  /** A configuration with the store in it, for commands that read it. */
  readonly config: string;
}

/** Folder of a stack, unless an option names another. */
const STACK = 'stack';

const Config = z.looseObject({ store: StoreConfig.optional() });

/**
 * The folder of a stack as options and environment choose it: `--store DIR` has its store in it; without it the configuration or
 * `TRIKD_STORE__*` name the store.
 * @throws TrikdError 'invalid' when they name a store incompletely
 */
export function stackFolder(dir: string | undefined, config: string | undefined, env: Shell['env']): StackFolder {
  const path = resolve(dir ?? STACK);
  const named = config === undefined ? storeInEnvironment(env) : loadConfig(Config, env, config).store;
  const store = dir === undefined ? named : undefined;
  return {
    path,
    logs: join(path, 'logs'),
    events: join(path, 'events'),
    store: store ?? { kind: 'folder', path: join(path, 'store') },
    config: join(path, 'store.yaml'),
  };
}

/**
 * Makes the folder of a stack, which is then this process's until the lock is released or the process ends.
 * @throws TrikdError 'wrong-state' when another stack uses it, 'unavailable' when it cannot be made
 */
export async function takeStackFolder({ path, store, config }: StackFolder): Promise<HeldLock> {
  try {
    await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER });
  } catch (cause) {
    const reason = messageOf(cause);
    throw new TrikdError('unavailable', `stack ${path}: ${reason}`, {}, { cause });
  }
  const lock = tryLock(join(path, 'lock'));
  if (!lock) {
    const advice = 'use it with --server, stop it with Ctrl-C, or name another folder with --store';
    throw new TrikdError('wrong-state', `another \`trikd up\` uses ${path}: ${advice}`);
  }
  await writeFile(config, stringify({ store: withoutCredentials(store) }), { mode: PRIVATE_FILE });
  return lock;
}

/** Credentials stay where they are, in the environment or in files. */
function withoutCredentials(store: StoreConfig): object {
  if (store.kind === 'folder') return store;
  const { accessKey: _, secretKey: __, ...rest } = store;
  return rest;
}
