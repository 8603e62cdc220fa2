import type { Clock } from '@trikd/core/async/clock';
import { type Admission, createCallGuard, type NewCall } from '../limits/call-guard.js';
import { httpFailure, Rejection } from './http-failure.js';
import type { HttpLimits } from './http-limits.js';

/** Counts requests by caller, and event streams over all callers. */
export interface RequestGuard {
  /** @returns what ends the request. @throws Rejection with 429 that names the limit */
  begin(call: NewCall): () => void;
}

/**
 * @param refused is called with the name of the limit for each refused request
 * @param section of the configuration, for messages
 */
export function createRequestGuard(
  limits: HttpLimits,
  clock: Pick<Clock, 'now'>,
  refused?: (limit: string) => void,
  section = 'http.limits',
): RequestGuard {
  const calls = createCallGuard(limits, clock, section);
  let streams = 0;

  const begin = (call: NewCall): Admission => {
    if (call.streams && streams >= limits.streams) {
      const limit = `${section}.streams`;
      return { kind: 'refused', limit, reason: `${limit} allows ${limits.streams} open event streams` };
    }
    const admission = calls.begin(call);
    if (admission.kind === 'refused' || !call.streams) return admission;
    streams += 1;
    const end = () => {
      streams -= 1;
      admission.end();
    };
    return { kind: 'admitted', end };
  };
  return {
    begin(call) {
      const admission = begin(call);
      if (admission.kind === 'admitted') return admission.end;
      const { limit, reason, retryAfterMs } = admission;
      refused?.(limit);
      const failure = httpFailure(429, 'RESOURCE_EXHAUSTED', reason);
      throw new Rejection({ ...failure, ...(retryAfterMs !== undefined && { retryAfterMs }) });
    },
  };
}
