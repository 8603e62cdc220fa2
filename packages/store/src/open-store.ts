import { randomUUID } from 'node:crypto';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Logger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { openFolderStore } from './folder-store.js';
import { observedStore } from './observed-store.js';
import type { RetrySources } from './retry.js';
import { openS3Api } from './s3-client.js';
import { proveConditionalWrites } from './s3-proof.js';
import { s3Store } from './s3-store.js';
import { credentialsOf, type StoreConfig } from './store-config.js';

export interface OpenStoreOptions extends Partial<RetrySources> {
  /** Whether to verify the guarantees of a bucket, which writes to it. Default true; false for read-only use. */
  readonly prove?: boolean;
}

/**
 * Opens the configured store, and verifies the guarantees of a bucket.
 * @throws TrikdError 'unavailable' if it cannot be reached or used, 'wrong-state' if it lacks a guarantee, 'invalid' for a
 * configuration that cannot work
 */
export async function openStore(config: StoreConfig, options: OpenStoreOptions = {}): Promise<ObjectStore> {
  const { clock = systemClock, random = Math.random, prove = true } = options;
  switch (config.kind) {
    case 'folder':
      return openFolderStore(config.path);
    case 's3': {
      const api = openS3Api({ ...config, ...credentialsOf(config) });
      const writer = randomUUID();
      const store = s3Store(api, { clock, random, writer });
      if (prove) await proveConditionalWrites(api, store, writer);
      return store;
    }
  }
}

/** Opens the store of a process, with fault points. Logs a failure and exits. */
export async function openStoreOrExit(config: StoreConfig, log: Logger): Promise<ObjectStore> {
  try {
    return observedStore(await openStore(config));
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    log.fatal({ err: error }, 'store not opened');
    process.exit(1);
  }
}
