import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Logger } from '../logging.js';
import { countedSpans, type Deliveries } from './counted-spans.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Spans on their way over OTLP/gRPC. */
export interface OtlpSpans {
  readonly processor: SpanProcessor;
  deliveries(): Deliveries;
}

/** Spans that may be on their way at once: a few MB. */
const ROOM = 2048;

/** Least time between two complaints, in milliseconds. */
const QUIET = 60_000;

/**
 * A way that counts what becomes of spans; undefined where the standard variables want another one than OTLP/gRPC, which is the SDK's
 * then. Its queue is that of the standard variables.
 * @param changed told each time some were taken or given up
 */
export function otlpSpans(
  env: Environment,
  log: Logger,
  changed: (deliveries: Deliveries) => void,
): OtlpSpans | undefined {
  const { OTEL_TRACES_EXPORTER: kind = 'otlp' } = env;
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL ?? 'grpc';
  if (kind !== 'otlp' || protocol !== 'grpc') return undefined;
  const complain = complaints(log);
  const { exporter, processor, deliveries } = countedSpans(
    new OTLPTraceExporter(),
    positive(env.OTEL_BSP_MAX_QUEUE_SIZE) ?? ROOM,
    (now) => {
      changed(now);
      complain(now);
    },
  );
  return { processor: processor(new BatchSpanProcessor({ exporter, ...batching(env) })), deliveries };
}

function complaints(log: Logger): (deliveries: Deliveries) => void {
  let at = Number.NEGATIVE_INFINITY;
  let before = 0;
  return (deliveries) => {
    const lost = deliveries.failed + deliveries.refused;
    if (lost === before || performance.now() - at < QUIET) return;
    before = lost;
    at = performance.now();
    log.warn(deliveries, 'spans are dropped: nobody takes them');
  };
}

/** What the SDK reads by itself only where it makes the processor. */
function batching(env: Environment): Omit<ConstructorParameters<typeof BatchSpanProcessor>[0], 'exporter'> {
  const [size, batch, delay, timeout] = [
    'MAX_QUEUE_SIZE',
    'MAX_EXPORT_BATCH_SIZE',
    'SCHEDULE_DELAY',
    'EXPORT_TIMEOUT',
  ].map((name) => positive(env[`OTEL_BSP_${name}`]));
  return {
    ...(size && { maxQueueSize: size }),
    ...(batch && { maxExportBatchSize: batch }),
    ...(delay && { scheduledDelayMillis: delay }),
    ...(timeout && { exportTimeoutMillis: timeout }),
  };
}

/** A number of a variable, where it is one that makes sense. */
function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return value > 0 ? value : undefined;
}
