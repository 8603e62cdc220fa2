import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { makeRequestSpans } from './request-spans.js';
import type { RequestTrace } from './request-trace.js';

const T = 1_700_000_000_000;
const request: RequestTrace = {
  ...{ model: 'tiny', started: T, ended: T + 20 },
  computed: {
    ...{ version: '2', rows: 40 },
    batches: [
      { rows: 32, started: T + 5, ended: T + 12 },
      { rows: 20, started: T + 6, ended: T + 18 },
    ],
  },
};

function spansOf(made: RequestTrace): Readonly<Record<string, ReadableSpan>> {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  makeRequestSpans(provider.getTracer('test'), made);
  return Object.fromEntries(exporter.getFinishedSpans().map((span) => [span.name, span]));
}

const times = ({ startTime, endTime }: ReadableSpan) =>
  [startTime, endTime].map(([seconds, nanos]) => Math.round(seconds * 1000 + nanos / 1e6 - T));

test('a request is a span of a server, with its wait and its computation below it', () => {
  const { 'trikd.inference': whole, 'inference.queue': queue, 'inference.compute': compute } = spansOf(request);
  expect(whole).toMatchObject({ kind: SpanKind.SERVER, parentSpanContext: undefined });
  expect(whole!.attributes).toEqual({ 'trikd.model': 'tiny', 'trikd.version': '2', 'trikd.rows': 40 });
  for (const part of [queue!, compute!]) {
    expect(part.parentSpanContext?.spanId).toBe(whole!.spanContext().spanId);
    expect(part.spanContext().traceId).toBe(whole!.spanContext().traceId);
  }
  expect([times(whole!), times(queue!), times(compute!)]).toEqual([
    [0, 20],
    [0, 5],
    [5, 18],
  ]);
  expect(compute!.attributes).toEqual({ 'trikd.batches': 2, 'trikd.batch.rows': 52 });
});

test('a request of a caller with a trace is part of that trace, below the span of the caller', () => {
  const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  const { 'trikd.inference': whole, 'inference.queue': queue } = spansOf({ ...request, parent });
  expect(whole!.parentSpanContext).toMatchObject({ ...parent, isRemote: true });
  expect(queue!.spanContext().traceId).toBe(parent.traceId);
});

test('a request that failed has the kind of its error, and an error of the server its message', () => {
  const { computed: _, ...failed } = request;
  const refused = spansOf({ ...failed, error: { type: 'invalid', message: 'no images' } });
  expect(Object.keys(refused)).toEqual(['trikd.inference']);
  expect(refused['trikd.inference']!.attributes).toEqual({ 'trikd.model': 'tiny', 'error.type': 'invalid' });
  expect(refused['trikd.inference']!.status).toEqual({ code: SpanStatusCode.UNSET });
  const broken = spansOf({ ...failed, error: { type: 'internal', message: 'no memory' } });
  expect(broken['trikd.inference']!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no memory' });
});
