import { randomUUID } from 'node:crypto';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Logger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { openFolderStore } from './folder-store.js';
import { observedStore } from './observed-store.js';
import type { RetrySources } from './retry.js';
import { proveConditionalWrites } from './s3-proof.js';
import { s3Store } from './s3-store.js';
import { credentialsOf, type StoreConfig } from './store-config.js';

export interface OpenStoreOptions extends Partial<RetrySources> {
  /**
   * What to verify of a bucket first. `writes`, the default: the guarantees of conditional writes, for which it writes to
   * `probe/`. `reads`: that blobs may be read, for a process that writes nothing on a condition, and whose rights may end
   * there. `nothing`: for a look into a bucket.
   */
  readonly verify?: 'writes' | 'reads' | 'nothing';
}

/** A blob of no run: to ask for it is allowed where blobs may be read. */
const NO_BLOB = 'runs/probe/blobs/none.safetensors';

/**
 * Opens the configured store, and verifies what a bucket must guarantee or allow.
 * @throws TrikdError 'unavailable' if it cannot be reached or used, 'wrong-state' if it lacks a guarantee, 'invalid' for a
 * configuration that cannot work
 */
export async function openStore(config: StoreConfig, options: OpenStoreOptions = {}): Promise<ObjectStore> {
  const { clock = systemClock, random = Math.random, verify = 'writes' } = options;
  switch (config.kind) {
    case 'folder':
      return openFolderStore(config.path);
    case 's3': {
      // The client is as large as all that a process with a folder loads of gRPC.
      const { openS3Api } = await import('./s3-client.js');
      const api = openS3Api({ ...config, ...credentialsOf(config) });
      const writer = randomUUID();
      const store = s3Store(api, { clock, random, writer });
      if (verify === 'writes') await proveConditionalWrites(api, store, writer);
      if (verify === 'reads') await store.get(NO_BLOB);
      return store;
    }
  }
}

/** Opens the store of a process, with fault points. Logs a failure and exits. */
export async function openStoreOrExit(
  config: StoreConfig,
  log: Logger,
  options: OpenStoreOptions = {},
): Promise<ObjectStore> {
  try {
    return observedStore(await openStore(config, options));
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    log.fatal({ err: error }, 'store not opened');
    process.exit(1);
  }
}
