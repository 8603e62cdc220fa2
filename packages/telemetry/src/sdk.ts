import { type DiagLogger, DiagLogLevel, diag, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { within } from '@trikd/core/async/within';
import { telemetryDefaults } from '@trikd/process/environment';
import type { Logger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { instruments, processMeter, type RecordMetric, stepMeter, trainerMeter } from './instruments.js';
import type { Deliveries } from './span-delivery.js';
import { deliverSpans, workLater } from './span-delivery.js';
import { chosenIds, makeRequestSpans, makeRootSpan, makeSpanInStep, makeStepSpans } from './spans.js';
import type { Telemetry } from './telemetry.js';

// Loaded only if telemetry is on: the SDK takes time and memory.

/** For pending data when the process exits. */
const SHUTDOWN_SECONDS = 0.5;
/** Between two looks at what the process uses. */
const PROCESS_INTERVAL_MS = 5000;

/** Starts the SDK, which exports spans and metrics as the standard variables configure it; by default over OTLP/gRPC. */
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
  const exportSpan = (span: ReadableSpan) => {
    for (const processor of processors) processor.onEnd(span);
  };
  const measureProcess = processMeter(record);
  measureProcess();
  const processTimer = setInterval(measureProcess, PROCESS_INTERVAL_MS).unref();
  const steps = { tracer, ids, over: exportSpan };
  const later = workLater();
  const ifRemembered = <T>(find: () => T | undefined, work: (found: T) => void) =>
    later.add(() => {
      const found = find();
      if (found) work(found);
    });
  const [measureStep, measureEvent] = [stepMeter(record), trainerMeter(record)];
  return {
    measured: (step) => ifRemembered(step, measureStep),
    emitted: (role, event) => later.add(() => measureEvent(role, event)),
    traced: (trace) => ifRemembered(trace, (remembered) => makeStepSpans(steps, remembered)),
    saved: (where, started, ended) =>
      later.add(() => makeSpanInStep(steps, where, { name: 'trikd.checkpoint', started, ended })),
    root: (attempt, seed, step) => later.add(() => makeRootSpan(steps, attempt, seed, step)),
    span: (name, started, ended, attributes) =>
      later.add(() => tracer.startSpan(name, { startTime: started, attributes }, ROOT_CONTEXT).end(ended)),
    request: (made) => later.add(() => makeRequestSpans(tracer, made)),
    record,
    async stop() {
      later.now();
      clearInterval(processTimer);
      measureProcess();
      await within(
        sdk.shutdown().catch(() => undefined),
        SHUTDOWN_SECONDS,
        systemClock,
      );
      if (processors.length > 0) logEnd(log, deliveries());
    },
  };
}

function countDropped(record: RecordMetric, { refused, failed }: Deliveries): void {
  record('trikd.spans.dropped', refused, { 'trikd.reason': 'queue' });
  record('trikd.spans.dropped', failed, { 'trikd.reason': 'exporter' });
}

/** Spans that are still pending are lost with the process. */
function logEnd(log: Logger, deliveries: Deliveries): void {
  const fields = { ...deliveries, dropped: deliveries.made - deliveries.delivered };
  if (fields.dropped > 0) log.warn(fields, 'spans were dropped');
  else log.info(fields, 'spans were sent');
}

/** The SDK reports every batch that it cannot export; we count them instead. */
function quiet(log: Logger): DiagLogger {
  const debug = (message: string, ...details: unknown[]) => log.debug({ details }, message);
  return { error: debug, warn: debug, info: debug, debug, verbose: debug };
}
