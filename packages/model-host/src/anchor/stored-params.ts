import { loadParams } from '@trikd/core/checkpoint/blobs';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import type { Params } from '@trikd/core/models/params';
import { retryingStore } from '@trikd/store/retrying-store';
import type { AnchorParts } from './anchor-parts.js';

/** Longest wait for a store that cannot be reached or does not answer: the caller of LoadAnchor waits too. */
export const STORE_SECONDS = 60;

/**
 * Reads and verifies the params of a blob, retrying while the store is unavailable.
 * @throws TrikdError 'corrupt' at once, 'unavailable' with the latest reason after `STORE_SECONDS`; the reason of the
 * signal
 */
export async function storedParams(
  { store, clock, random, log }: Pick<AnchorParts, 'store' | 'clock' | 'random' | 'log'>,
  blob: Blob,
  signal: AbortSignal,
): Promise<Params> {
  const late = new AbortController();
  const done = new AbortController();
  let latest = 'no answer';
  const onOutage = (reason: string | undefined) => {
    if (reason === undefined) return;
    latest = reason;
    log.warn({ key: blob.key, reason }, 'waiting for the store');
  };
  clock.sleep(STORE_SECONDS * 1000, done.signal).then(
    () => late.abort(new TrikdError('unavailable', `waited ${STORE_SECONDS} s for ${blob.key}: ${latest}`)),
    () => undefined,
  );
  const over = AbortSignal.any([signal, late.signal]);
  try {
    return await loadParams(retryingStore(store, { clock, random, signal: over, onOutage }), blob);
  } finally {
    done.abort();
  }
}
