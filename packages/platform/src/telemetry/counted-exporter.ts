import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

/** How many spans have come to the end of their way. */
export interface Deliveries {
  readonly delivered: number;
  /** Given up by the exporter: nobody took them, again and again. */
  readonly failed: number;
}

export interface CountedExporter extends SpanExporter {
  deliveries(): Deliveries;
}

/** An exporter of which one knows what became of the spans. @param told each time some were taken or given up */
export function countedExporter(inner: SpanExporter, told: (deliveries: Deliveries) => void): CountedExporter {
  let delivered = 0;
  let failed = 0;
  return {
    export(spans: ReadableSpan[], answer) {
      inner.export(spans, (result) => {
        // 0 is success.
        if (result.code === 0) delivered += spans.length;
        else failed += spans.length;
        told({ delivered, failed });
        answer(result);
      });
    },
    shutdown: () => inner.shutdown(),
    forceFlush: async () => inner.forceFlush?.(),
    deliveries: () => ({ delivered, failed }),
  };
}
