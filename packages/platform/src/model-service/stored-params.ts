import { createBackoff } from '@trikd/core/backoff';
import { loadParams } from '@trikd/core/checkpoint/blobs';
import { TrikdError } from '@trikd/core/errors';
import type { Params } from '@trikd/core/params';
import { orAborted } from '@trikd/core/training/or-aborted';
import type { Blob } from '@trikd/core/training/ports';
import type { AnchorParts } from './anchor-serving.js';

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
  const backoff = createBackoff({ firstMs: 100, maxMs: 5_000, random });
  const late = new AbortController();
  const over = AbortSignal.any([signal, late.signal]);
  const done = new AbortController();
  let trouble = 'no answer';
  clock.sleep(STORE_SECONDS * 1000, done.signal).then(
    () => late.abort(new TrikdError('unavailable', `waited ${STORE_SECONDS} s for ${blob.key}: ${trouble}`)),
    () => undefined,
  );
  try {
    for (;;) {
      try {
        return await orAborted(loadParams(store, blob), over);
      } catch (error) {
        over.throwIfAborted();
        if (!(error instanceof TrikdError && error.kind === 'unavailable')) throw error;
        if (error.message !== trouble) log.warn({ key: blob.key, reason: error.message }, 'the store is in trouble');
        trouble = error.message;
      }
      await clock.sleep(backoff.next(), over);
    }
  } finally {
    done.abort();
  }
}
