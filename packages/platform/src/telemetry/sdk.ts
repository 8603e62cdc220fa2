import { type DiagLogger, DiagLogLevel, diag, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { telemetryDefaults } from '../environment.js';
import type { Logger } from '../logging.js';
import { type CountedExporter, countedExporter, type Deliveries } from './counted-exporter.js';
import { instruments, stepMeter, trainerMeter } from './instruments.js';
import { chosenIds, makeRootSpan, makeSpanInStep, makeStepSpans } from './step-spans.js';
import type { Telemetry } from './telemetry.js';

/** Loaded only where telemetry is wanted: it takes a while. */

/** Longest time that what is left may take on its way at the end, in milliseconds: whoever ends the process does not wait for long. */
const FAREWELL = 500;

/** Least time between two complaints, in milliseconds. */
const QUIET = 60_000;

/** Starts the SDK: spans and metrics over OTLP/gRPC unless the variables say otherwise. */
export function startSdk(service: string, env: Readonly<Record<string, string | undefined>>, log: Logger): Telemetry {
  telemetryDefaults(service);
  diag.setLogger(quiet(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const ids = chosenIds();
  const exporter = exporterOf(env, log);
  const sdk = new NodeSDK({ idGenerator: ids, instrumentations: [], ...(exporter && { traceExporter: exporter }) });
  sdk.start();
  const tracer = trace.getTracer('trikd');
  const record = instruments(metrics.getMeter('trikd'));
  const steps = { tracer, ids };
  let made = 0;
  const making = (spans: number, make: () => void) => {
    made += spans;
    make();
  };
  return {
    measured: stepMeter(record),
    told: trainerMeter(record),
    traced: (traced) => making(1 + traced.step.phases.length, () => makeStepSpans(steps, traced)),
    saved: (where, begun, ended) =>
      making(1, () => makeSpanInStep(steps, where, { name: 'trikd.checkpoint', begun, ended })),
    root: (attempt, seed, step) => making(1, () => makeRootSpan(steps, attempt, seed, step)),
    span: (name, begun, ended, attributes) =>
      making(1, () => tracer.startSpan(name, { startTime: begun, attributes }, ROOT_CONTEXT).end(ended)),
    record,
    stop: async () => {
      const late = new AbortController();
      const enough = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, FAREWELL);
        late.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
      });
      await Promise.race([sdk.shutdown().catch(() => undefined), enough]);
      late.abort();
      if (exporter) tellEnd(log, made, exporter.deliveries());
    },
  };
}

/** Ours, which counts, where spans go over OTLP/gRPC; that of the SDK where the variables want another one. */
function exporterOf(env: Readonly<Record<string, string | undefined>>, log: Logger): CountedExporter | undefined {
  const { OTEL_TRACES_EXPORTER: kind = 'otlp' } = env;
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL ?? 'grpc';
  if (kind !== 'otlp' || protocol !== 'grpc') return undefined;
  let told = Number.NEGATIVE_INFINITY;
  let before = 0;
  return countedExporter(new OTLPTraceExporter(), ({ failed, delivered }) => {
    if (failed === before) return;
    before = failed;
    if (performance.now() - told < QUIET) return;
    told = performance.now();
    log.warn({ dropped: failed, delivered }, 'spans are dropped: nobody takes them');
  });
}

/** What is neither delivered nor given up was still on its way, or found no room in the queue. */
function tellEnd(log: Logger, made: number, { delivered, failed }: Deliveries): void {
  const dropped = made - delivered;
  const said = { made, delivered, dropped, failed };
  if (dropped > 0) log.warn(said, 'spans were dropped');
  else log.info(said, 'spans were sent');
}

/** The SDK complains of every batch that it cannot deliver; we count them. */
function quiet(log: Logger): DiagLogger {
  const debug = (message: string, ...details: unknown[]) => log.debug({ details }, message);
  return { error: debug, warn: debug, info: debug, debug, verbose: debug };
}
