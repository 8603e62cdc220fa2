import { BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Logger } from '@trikd/process/logging';
import { countedSpans, type Deliveries } from './counted-spans.js';
import { type Environment, spanExporters } from './span-exporters.js';

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
