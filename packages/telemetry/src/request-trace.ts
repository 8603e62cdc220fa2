import { type SpanIds, traceContext } from '@trikd/core/timing/trace-ids';

/** A request for outputs of a served model, to export as spans. Times are in milliseconds since 1970. */
export interface RequestTrace {
  /** The span of the caller; absent: the request has a trace of its own. */
  readonly parent?: SpanIds;
  readonly model: string;
  readonly started: number;
  readonly ended: number;
  /** What was computed; absent when the request failed before. */
  readonly computed?: ComputedRequest;
  readonly error?: RequestError;
}

/** How the outputs of a request were computed. */
export interface ComputedRequest {
  /** The version that computed them. */
  readonly version: string;
  /** Images of the request. */
  readonly rows: number;
  /** In the order in which they were started, at least one. */
  readonly batches: readonly ComputedBatch[];
}

/** A batch in which rows of a request were computed, perhaps with those of others. Times are in milliseconds. */
export interface ComputedBatch {
  readonly rows: number;
  readonly started: number;
  readonly ended: number;
}

/** Why a request failed. */
export interface RequestError {
  /** Kind of a TrikdError, `cancelled` or `internal`. */
  readonly type: string;
  readonly message: string;
}

/** A request that is traced. */
export interface SampledRequest {
  /** The span of its caller; absent: it has a trace of its own. */
  readonly parent?: SpanIds;
}

/**
 * Decides which requests are traced. The caller of a request that has a trace context has decided; of the others every Nth is traced.
 * @param every 0: none of the others
 * @returns undefined for a request that is not traced. It takes the W3C trace context of a request as it came; an invalid one is none
 */
export function requestSampler(every: number): (traceparent: string | undefined) => SampledRequest | undefined {
  let others = 0;
  return (traceparent) => {
    const context = traceparent === undefined ? undefined : traceContext(traceparent);
    if (context) {
      const { traceId, spanId, sampled } = context;
      return sampled ? { parent: { traceId, spanId } } : undefined;
    }
    return every > 0 && others++ % every === 0 ? {} : undefined;
  };
}
