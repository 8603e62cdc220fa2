import { type DiagLogger, DiagLogLevel, diag, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { telemetryDefaults } from '@trikd/process/environment';
import type { Logger } from '@trikd/process/logging';
import type { Deliveries } from './counted-spans.js';
import { instruments, type RecordMetric, stepMeter, trainerMeter } from './instruments.js';
import { deliverSpans } from './span-delivery.js';
import { chosenIds, makeRootSpan, makeSpanInStep, makeStepSpans } from './step-spans.js';
import type { Telemetry } from './telemetry.js';
import { workLater } from './work-later.js';

// Loaded only where telemetry is wanted: it takes a while, and some memory.

/** Longest time that what is left may take on its way at the end, in milliseconds: whoever ends the process does not wait for long. */
const FAREWELL = 500;

/** Starts the SDK: spans and metrics over OTLP/gRPC unless the variables say otherwise. */
export function startSdk(service: string, env: Readonly<Record<string, string | undefined>>, log: Logger): Telemetry {
  telemetryDefaults(service);
  diag.setLogger(quiet(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const ids = chosenIds();
  const { processors, deliveries } = deliverSpans(env, log, (now) => countDropped(record, now));
  const sdk = new NodeSDK({
    idGenerator: ids,
    instrumentations: [],
    spanProcessors: [...processors],
  });
  sdk.start();
  const tracer = trace.getTracer('trikd');
  const record = instruments(metrics.getMeter('trikd'));
  if (processors.length > 0) countDropped(record, deliveries());
  const over = (span: ReadableSpan) => {
    for (const processor of processors) processor.onEnd(span);
  };
  const steps = { tracer, ids, over };
  const later = workLater();
  const ifRemembered = <T>(find: () => T | undefined, work: (found: T) => void) =>
    later.add(() => {
      const found = find();
      if (found) work(found);
    });
  const [measure, tell] = [stepMeter(record), trainerMeter(record)];
  return {
    measured: (step) => ifRemembered(step, measure),
    told: (role, event) => later.add(() => tell(role, event)),
    traced: (trace) => ifRemembered(trace, (remembered) => makeStepSpans(steps, remembered)),
    saved: (where, begun, ended) =>
      later.add(() => makeSpanInStep(steps, where, { name: 'trikd.checkpoint', begun, ended })),
    root: (attempt, seed, step) => later.add(() => makeRootSpan(steps, attempt, seed, step)),
    span: (name, begun, ended, attributes) =>
      later.add(() => tracer.startSpan(name, { startTime: begun, attributes }, ROOT_CONTEXT).end(ended)),
    record,
    async stop() {
      later.now();
      await withinFarewell(sdk.shutdown().catch(() => undefined));
      if (processors.length > 0) tellEnd(log, deliveries());
    },
  };
}

async function withinFarewell(work: Promise<unknown>): Promise<void> {
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, FAREWELL);
  await Promise.race([work, enough]);
  clearTimeout(timer);
}

function countDropped(record: RecordMetric, { refused, failed }: Deliveries): void {
  record('trikd.spans.dropped', refused, { 'trikd.reason': 'queue' });
  record('trikd.spans.dropped', failed, { 'trikd.reason': 'exporter' });
}

/** What is neither delivered nor known to be lost is still on its way, and lost with the process. */
function tellEnd(log: Logger, deliveries: Deliveries): void {
  const said = { ...deliveries, dropped: deliveries.made - deliveries.delivered };
  if (said.dropped > 0) log.warn(said, 'spans were dropped');
  else log.info(said, 'spans were sent');
}

/** The SDK complains of every batch that it cannot deliver; we count them. */
function quiet(log: Logger): DiagLogger {
  const debug = (message: string, ...details: unknown[]) => log.debug({ details }, message);
  return { error: debug, warn: debug, info: debug, debug, verbose: debug };
}
