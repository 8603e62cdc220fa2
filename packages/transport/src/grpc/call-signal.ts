import type { EventEmitter } from 'node:events';
import { TrikdError } from '@trikd/core/domain/errors';

/** Of a call whose client has left, or whose deadline has passed. */
const LEFT = new TrikdError('unavailable', 'the caller has left');

/** Aborts when the client of a call leaves, and when its deadline passes. */
export function callSignal(call: EventEmitter & { readonly cancelled: boolean }): AbortSignal {
  const gone = new AbortController();
  if (call.cancelled) gone.abort(LEFT);
  else call.once('cancelled', () => gone.abort(LEFT));
  return gone.signal;
}
