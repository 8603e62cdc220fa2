import { hash } from 'node:crypto';
import { decodeSafetensors, encodeSafetensors } from '@trikd/core/checkpoint/safetensors';
import type { Blob } from '@trikd/core/domain/blob';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Params } from '@trikd/core/models/params';

/** Params that stay in memory, for a run that ends with its process. */
export interface HeldParams {
  save(params: Params): Promise<Blob>;
  load(blob: Blob): Promise<Params>;
}

export function heldParams(): HeldParams {
  const held = new Map<string, Uint8Array>();
  return {
    async save(params) {
      const bytes = encodeSafetensors(params);
      const sha256 = hash('sha256', bytes);
      held.set(sha256, bytes);
      return { key: sha256, sha256, bytes: bytes.length };
    },
    async load({ sha256 }) {
      const bytes = held.get(sha256);
      if (!bytes) throw new TrikdError('not-found', `there are no params ${sha256}`);
      return decodeSafetensors(bytes).params;
    },
  };
}
