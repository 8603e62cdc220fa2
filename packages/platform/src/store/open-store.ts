import { randomUUID } from 'node:crypto';
import type { ObjectStore } from '@trikd/core/store';
import { systemClock } from '../system-clock.js';
import { openFolderStore } from './folder-store.js';
import type { RetrySources } from './retry.js';
import { openS3Api } from './s3-client.js';
import { proveConditionalWrites } from './s3-proof.js';
import { s3Store } from './s3-store.js';
import { credentialsOf, type StoreConfig } from './store-config.js';

/**
 * Opens the store of a service.
 * @returns as soon as the store is known to keep its promises
 * @throws TrikdError 'unavailable' when it cannot be reached or used, 'wrong-state' when it breaks a promise, 'invalid' when it
 *   cannot be as it is configured
 */
export async function openStore(
  config: StoreConfig,
  sources: RetrySources = { clock: systemClock, random: Math.random },
): Promise<ObjectStore> {
  switch (config.kind) {
    case 'folder':
      return openFolderStore(config.path);
    case 's3': {
      const api = openS3Api({ ...config, ...credentialsOf(config) });
      const writer = randomUUID();
      const store = s3Store(api, { ...sources, writer });
      await proveConditionalWrites(api, store, writer);
      return store;
    }
  }
}
