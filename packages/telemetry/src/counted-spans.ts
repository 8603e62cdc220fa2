import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';

/** How many spans were delivered or lost. */
export interface Deliveries {
  /** All spans. Those that are not delivered, refused or failed are pending. */
  readonly made: number;
  readonly delivered: number;
  /** Dropped, because the queue was full. */
  readonly refused: number;
  /** Dropped by the exporter after its retries. */
  readonly failed: number;
}

/** Limits and counts the pending spans of an exporter. */
export interface CountedSpans {
  /** Wraps a processor that exports through `exporter`. */
  processor(inner: SpanProcessor): SpanProcessor;
  readonly exporter: SpanExporter;
  deliveries(): Deliveries;
}

/** @param room pending spans, at most @param onDelivery called when spans were delivered or dropped by the exporter */
export function countedSpans(
  inner: SpanExporter,
  room: number,
  onDelivery: (deliveries: Deliveries) => void,
): CountedSpans {
  let made = 0;
  let waiting = 0;
  let delivered = 0;
  let refused = 0;
  let failed = 0;
  const deliveries = () => ({ made, delivered, refused, failed });
  return {
    deliveries,
    processor: (next) => ({
      onStart: (span, context) => next.onStart(span, context),
      onEnd(span) {
        made += 1;
        if (waiting >= room) {
          refused += 1;
          return;
        }
        waiting += 1;
        next.onEnd(span);
      },
      forceFlush: () => next.forceFlush(),
      shutdown: () => next.shutdown(),
    }),
    exporter: {
      export(spans: ReadableSpan[], answer) {
        inner.export(spans, (result) => {
          waiting -= spans.length;
          // 0 is success.
          if (result.code === 0) delivered += spans.length;
          else failed += spans.length;
          onDelivery(deliveries());
          answer(result);
        });
      },
      shutdown: () => inner.shutdown(),
      forceFlush: async () => inner.forceFlush?.(),
    },
  };
}
