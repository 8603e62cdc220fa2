import { loadParams } from '@trikd/core/checkpoint/blobs';
import type { Blob } from '@trikd/core/domain/blob';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Params } from '@trikd/core/models/params';
import { patientStore } from '@trikd/store/patient-store';
import type { AnchorParts } from './anchor-parts.js';

/** How long a store that cannot be reached, or does not answer, is waited for: after that whoever waits is told why. */
export const STORE_SECONDS = 60;

/**
 * The params of a blob, verified; asked for again as long as the store is in trouble.
 * @throws TrikdError 'corrupt' at once, 'unavailable' with the newest trouble after `STORE_SECONDS`; the reason of the signal.
 */
export async function storedParams(
  { store, clock, random, log }: Pick<AnchorParts, 'store' | 'clock' | 'random' | 'log'>,
  blob: Blob,
  signal: AbortSignal,
): Promise<Params> {
  const late = new AbortController();
  const done = new AbortController();
  let newest = 'no answer';
  const trouble = (reason: string | undefined) => {
    if (reason === undefined) return;
    newest = reason;
    log.warn({ key: blob.key, reason }, 'the store is in trouble');
  };
  clock.sleep(STORE_SECONDS * 1000, done.signal).then(
    () => late.abort(new TrikdError('unavailable', `waited ${STORE_SECONDS} s for ${blob.key}: ${newest}`)),
    () => undefined,
  );
  const over = AbortSignal.any([signal, late.signal]);
  try {
    return await loadParams(patientStore(store, { clock, random, signal: over, trouble }), blob);
  } finally {
    done.abort();
  }
}
