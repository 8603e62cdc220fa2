import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpJsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as HttpProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type { Logger } from '@trikd/process/logging';

/** Delivers spans to exporters. */
export interface SpanDelivery {
  /** One for each exporter. */
  readonly processors: readonly SpanProcessor[];
  deliveries(): Deliveries;
}

/** Pending spans, at most: a few MB. */
const ROOM = 2048;

/** Spans per request, twice the default: a request takes 2 ms of processor time, however many it has. */
const BATCH = ROOM / 2;

/** Shortest time between two warnings, in milliseconds. */
const WARNING_INTERVAL_MS = 60_000;

/**
 * Creates the processors of spans, with the exporters and queues that the standard variables configure.
 * @param changed called when spans were delivered or dropped
 */
export function deliverSpans(env: Environment, log: Logger, changed: (deliveries: Deliveries) => void): SpanDelivery {
  const warn = droppedSpansWarning(log);
  const deliveries = () => sum(counted.map((each) => each.deliveries()));
  const onDelivery = () => {
    const now = deliveries();
    changed(now);
    warn(now);
  };
  const room = positive(env.OTEL_BSP_MAX_QUEUE_SIZE) ?? ROOM;
  const counted = spanExporters(env, log).map((exporter) => countedSpans(exporter, room, onDelivery));
  const processors = counted.map(({ exporter, processor }) =>
    processor(new BatchSpanProcessor({ exporter, ...batching(env, room) })),
  );
  return { processors, deliveries };
}

function sum(all: readonly Deliveries[]): Deliveries {
  const of = (what: keyof Deliveries) => all.reduce((total, each) => total + each[what], 0);
  return { made: of('made'), delivered: of('delivered'), refused: of('refused'), failed: of('failed') };
}

function droppedSpansWarning(log: Logger): (deliveries: Deliveries) => void {
  let at = Number.NEGATIVE_INFINITY;
  let before = 0;
  return (deliveries) => {
    const lost = deliveries.failed + deliveries.refused;
    if (lost === before || performance.now() - at < WARNING_INTERVAL_MS) return;
    before = lost;
    at = performance.now();
    log.warn(deliveries, 'spans are dropped: the exporter does not accept them');
  };
}

/** The variables that the SDK reads only for processors that it creates itself. */
function batching(
  env: Environment,
  room: number,
): Omit<ConstructorParameters<typeof BatchSpanProcessor>[0], 'exporter'> {
  const [batch, delay, timeout] = ['MAX_EXPORT_BATCH_SIZE', 'SCHEDULE_DELAY', 'EXPORT_TIMEOUT'].map((name) =>
    positive(env[`OTEL_BSP_${name}`]),
  );
  return {
    maxQueueSize: room,
    maxExportBatchSize: batch ?? Math.min(BATCH, room),
    ...(delay && { scheduledDelayMillis: delay }),
    ...(timeout && { exportTimeoutMillis: timeout }),
  };
}

/** The positive number in a variable, if it has one. */
function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return value > 0 ? value : undefined;
}

/** Environment variables by name. */
type Environment = Readonly<Record<string, string | undefined>>;

/** The exporters that the standard variables select. Unknown ones are logged and ignored. */
export function spanExporters(env: Environment, log: Logger): readonly SpanExporter[] {
  const kinds = (env.OTEL_TRACES_EXPORTER || 'otlp').split(',').map((kind) => kind.trim());
  if (kinds.includes('none')) return [];
  return kinds.flatMap((kind) => {
    if (kind === 'otlp') return otlpExporter(env, log);
    if (kind === 'console') return new ConsoleSpanExporter();
    log.warn({ OTEL_TRACES_EXPORTER: kind }, 'unknown exporter of spans; supported: otlp, console, none');
    return [];
  });
}

function otlpExporter(env: Environment, log: Logger): SpanExporter {
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || 'grpc';
  switch (protocol) {
    case 'http/protobuf':
      return new HttpProtobufExporter();
    case 'http/json':
      return new HttpJsonExporter();
    default:
      if (protocol !== 'grpc') log.warn({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol }, 'unknown protocol; using grpc');
      return new GrpcExporter();
  }
}

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

/** Defers work and runs it in batches. */
export interface WorkLater {
  add(work: () => void): void;
  /** Runs all deferred work. */
  now(): void;
}

/** Pieces of work in a batch. */
const PIECES = 96;

/** Longest time that work is deferred, in milliseconds. */
const WAIT = 1000;

/**
 * Defers the work of telemetry. Between two steps its code and data leave the processor's caches: in batches it costs a
 * third, and steps do not wait for it.
 */
export function workLater(pieces = PIECES, wait = WAIT): WorkLater {
  let waiting: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;
  const now = () => {
    clearTimeout(timer);
    timer = undefined;
    const work = waiting;
    waiting = [];
    for (const each of work) each();
  };
  return {
    add(work) {
      waiting.push(work);
      if (waiting.length >= pieces) now();
      else timer ??= setTimeout(now, wait).unref();
    },
    now,
  };
}
