import { type SpanIds, traceContext } from '@trikd/core/timing/trace-ids';

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
