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
  | {
      readonly kind: 'refused';
      /** Name of the limit, such as limits.callsPerSecond. */
      readonly limit: string;
      readonly reason: string;
      readonly retryAfterMs?: number;
    };

/** Counts calls by caller, over all connections. */
export interface CallGuard {
  begin(call: NewCall): Admission;
}

export type CallLimits = Pick<ServerLimits, 'callsPerCaller' | 'streamsPerCaller' | 'callsPerSecond' | 'burst'>;

/** Callers that are remembered: a new one forgets the oldest without an open call. */
const MOST_CALLERS = 10_000;
/** Calls that wait for their response end by themselves. */
const CALLS_RETRY_MS = 1000;

/** The calls of one method by one caller. */
interface MethodCounts {
  open: number;
  bucket?: Bucket;
}

/** By method: calls of one must not take what another needs. */
type Counts = Map<string, MethodCounts>;

/** @param section of the configuration, for messages */
export function createCallGuard(limits: CallLimits, clock: Pick<Clock, 'now'>, section = 'limits'): CallGuard {
  const { callsPerCaller, streamsPerCaller, callsPerSecond, burst } = limits;
  const callers = new Map<string, Counts>();

  const refused = (name: keyof CallLimits, allows: string, retryAfterMs?: number): Admission => {
    const limit = `${section}.${name}`;
    const reason = `${limit} allows ${allows}`;
    return { kind: 'refused', limit, reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  };

  const countsOf = (caller: string): Counts => {
    const known = callers.get(caller);
    if (known) return known;
    if (callers.size >= MOST_CALLERS) forgetOne(callers);
    const counts: Counts = new Map();
    callers.set(caller, counts);
    return counts;
  };

  return {
    begin({ caller, method, streams }) {
      const counts = countsOf(caller);
      const ofMethod: MethodCounts = counts.get(method) ?? { open: 0 };
      counts.set(method, ofMethod);
      const taken = takeToken(ofMethod.bucket, { burst, perSecond: callsPerSecond }, clock.now());
      if (taken.kind === 'empty') {
        // To a tenth of a second, so that refusals are the same for a while.
        const waitMs = Math.ceil(taken.waitMs / 100) * 100;
        const allows = `${callsPerSecond} calls of ${method} a second to ${caller}`;
        return refused('callsPerSecond', `${allows}: retry in ${waitMs / 1000} s`, waitMs);
      }
      ofMethod.bucket = taken.bucket;
      if (streams && ofMethod.open >= streamsPerCaller) {
        return refused('streamsPerCaller', `${streamsPerCaller} open streams to ${caller}: close one`);
      }
      if (!streams && ofMethod.open >= callsPerCaller) {
        const allows = `${callsPerCaller} calls of ${method} at once to ${caller}`;
        return refused('callsPerCaller', `${allows}: wait for a response`, CALLS_RETRY_MS);
      }
      ofMethod.open += 1;
      return {
        kind: 'admitted',
        end: () => {
          ofMethod.open -= 1;
        },
      };
    },
  };
}

function forgetOne(callers: Map<string, Counts>): void {
  for (const [caller, counts] of callers) {
    if ([...counts.values()].some(({ open }) => open > 0)) continue;
    callers.delete(caller);
    return;
  }
}
