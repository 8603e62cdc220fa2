import { BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Logger } from '@trikd/process/logging';
import { countedSpans, type Deliveries } from './counted-spans.js';
import { type Environment, spanExporters } from './span-exporters.js';

/** Spans on their way to whoever wants them. */
export interface SpanDelivery {
  /** One for each exporter. */
  readonly processors: readonly SpanProcessor[];
  deliveries(): Deliveries;
}

/** Spans that may be on their way at once: a few MB. */
const ROOM = 2048;

/** Spans of one request, twice as many as usual: it takes 2 ms of processor, however many are in it. */
const BATCH = ROOM / 2;

/** Least time between two complaints, in milliseconds. */
const QUIET = 60_000;

/**
 * Ways that count what becomes of spans. Their exporters and their queues are those of the standard variables.
 * @param changed told each time some were taken or given up
 */
export function deliverSpans(env: Environment, log: Logger, changed: (deliveries: Deliveries) => void): SpanDelivery {
  const complain = complaints(log);
  const deliveries = () => sum(ways.map((way) => way.deliveries()));
  const told = () => {
    const now = deliveries();
    changed(now);
    complain(now);
  };
  const room = positive(env.OTEL_BSP_MAX_QUEUE_SIZE) ?? ROOM;
  const ways = spanExporters(env, log).map((exporter) => countedSpans(exporter, room, told));
  const processors = ways.map(({ exporter, processor }) =>
    processor(new BatchSpanProcessor({ exporter, ...batching(env, room) })),
  );
  return { processors, deliveries };
}

function sum(all: readonly Deliveries[]): Deliveries {
  const of = (what: keyof Deliveries) => all.reduce((total, each) => total + each[what], 0);
  return { made: of('made'), delivered: of('delivered'), refused: of('refused'), failed: of('failed') };
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

/** A number of a variable, where it is one that makes sense. */
function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return value > 0 ? value : undefined;
}
