import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, type Tracer, trace } from '@opentelemetry/api';
import type { RequestTrace } from './request-trace.js';

/** Kinds of errors that are the server's own: those of a request leave the status of its span unset. */
const OWN_FAULTS: ReadonlySet<string> = new Set(['unavailable', 'corrupt', 'internal']);

/** Creates the spans of a request: of all of it, and below that of its wait in the queue and of its computation. */
export function makeRequestSpans(
  tracer: Tracer,
  { parent, model, started, ended, computed, error }: RequestTrace,
): void {
  const caller = parent && { ...parent, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  const attributes = {
    'trikd.model': model,
    ...(computed && { 'trikd.version': computed.version, 'trikd.rows': computed.rows }),
    ...(error && { 'error.type': error.type }),
  };
  const span = tracer.startSpan(
    'trikd.inference',
    { kind: SpanKind.SERVER, startTime: started, attributes },
    caller ? trace.setSpanContext(ROOT_CONTEXT, caller) : ROOT_CONTEXT,
  );
  if (computed) {
    const { batches } = computed;
    const below = trace.setSpanContext(ROOT_CONTEXT, span.spanContext());
    const first = Math.min(...batches.map((batch) => batch.started));
    const last = Math.max(...batches.map((batch) => batch.ended));
    tracer.startSpan('inference.queue', { startTime: started }, below).end(first);
    const sizes = {
      'trikd.batches': batches.length,
      'trikd.batch.rows': batches.reduce((sum, { rows }) => sum + rows, 0),
    };
    tracer.startSpan('inference.compute', { startTime: first, attributes: sizes }, below).end(last);
  }
  if (error && OWN_FAULTS.has(error.type)) span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  span.end(ended);
}
