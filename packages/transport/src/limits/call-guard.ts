import type { Clock } from '@trikd/core/async/clock';
import type { ServerLimits } from './server-limits.js';
import { type Bucket, takeToken } from './token-bucket.js';

/** A call that a server is about to answer. */
export interface NewCall {
  /** The identity that the client has proved, or its IP address. */
  readonly caller: string;
  /** Such as trikd.v1.RunService/GetRun. */
  readonly method: string;
  /** Whether the response is a stream, which may stay open for as long as its client wants. */
  readonly streams: boolean;
}

/** A call that may begin, or the limit that forbids it. */
export type Admission =
  | { readonly kind: 'admitted'; readonly end: () => void }
  | { readonly kind: 'refused'; readonly reason: string; readonly retryAfterMs?: number };

/** Counts calls by caller, over all connections. */
export interface CallGuard {
  begin(call: NewCall): Admission;
}

export type CallLimits = Pick<ServerLimits, 'callsPerCaller' | 'streamsPerCaller' | 'callsPerSecond' | 'burst'>;

/** Callers that are remembered: a new one forgets the oldest without an open call. */
const MOST_CALLERS = 10_000;
/** Calls that wait for their response end by themselves. */
const CALLS_RETRY_MS = 1000;

interface Counts {
  calls: number;
  streams: number;
  readonly buckets: Map<string, Bucket>;
}

/** @param section of the configuration, for messages */
export function createCallGuard(limits: CallLimits, clock: Pick<Clock, 'now'>, section = 'limits'): CallGuard {
  const { callsPerCaller, streamsPerCaller, callsPerSecond, burst } = limits;
  const callers = new Map<string, Counts>();

  const countsOf = (caller: string): Counts => {
    const known = callers.get(caller);
    if (known) return known;
    if (callers.size >= MOST_CALLERS) forgetOne(callers);
    const counts: Counts = { calls: 0, streams: 0, buckets: new Map() };
    callers.set(caller, counts);
    return counts;
  };

  return {
    begin({ caller, method, streams }) {
      const counts = countsOf(caller);
      const taken = takeToken(counts.buckets.get(method), { burst, perSecond: callsPerSecond }, clock.now());
      if (taken.kind === 'empty') {
        const limit = `${section}.callsPerSecond allows ${callsPerSecond} calls of ${method} a second to ${caller}`;
        return refused(`${limit}: retry in ${(taken.waitMs / 1000).toFixed(2)} s`, taken.waitMs);
      }
      counts.buckets.set(method, taken.bucket);
      const kind = streams ? 'streams' : 'calls';
      if (streams && counts.streams >= streamsPerCaller) {
        return refused(`${section}.streamsPerCaller allows ${streamsPerCaller} open streams to ${caller}: close one`);
      }
      if (!streams && counts.calls >= callsPerCaller) {
        const limit = `${section}.callsPerCaller allows ${callsPerCaller} calls at once to ${caller}`;
        return refused(`${limit}: wait for a response`, CALLS_RETRY_MS);
      }
      counts[kind] += 1;
      return {
        kind: 'admitted',
        end: () => {
          counts[kind] -= 1;
        },
      };
    },
  };
}

function refused(reason: string, retryAfterMs?: number): Admission {
  return { kind: 'refused', reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

function forgetOne(callers: Map<string, Counts>): void {
  for (const [caller, { calls, streams }] of callers) {
    if (calls + streams > 0) continue;
    callers.delete(caller);
    return;
  }
}
