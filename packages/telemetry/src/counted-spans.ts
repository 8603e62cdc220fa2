import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';

/** What became of spans. */
export interface Deliveries {
  /** All that were to be sent. What is neither delivered, refused nor failed is on its way. */
  readonly made: number;
  readonly delivered: number;
  /** There was no room for them. */
  readonly refused: number;
  /** Given up by the exporter: nobody took them, again and again. */
  readonly failed: number;
}

/** Spans on their way: no more than there is room for, and all of them counted. */
export interface CountedSpans {
  /** Stands before a processor that exports through `exporter`. */
  processor(inner: SpanProcessor): SpanProcessor;
  readonly exporter: SpanExporter;
  deliveries(): Deliveries;
}

/** @param room for so many spans, those on the wire included @param told each time some were taken or given up */
export function countedSpans(inner: SpanExporter, room: number, told: (deliveries: Deliveries) => void): CountedSpans {
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
          told(deliveries());
          answer(result);
        });
      },
      shutdown: () => inner.shutdown(),
      forceFlush: async () => inner.forceFlush?.(),
    },
  };
}
