import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpJsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as HttpProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  ConsoleSpanExporter,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import { createLogger } from '@trikd/process/logging';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { countedSpans, type Deliveries, spanExporters, workLater } from './span-delivery.js';

describe('counted spans', () => {
  const span = {} as ReadableSpan;
  const spans = (count: number) => Array.from({ length: count }, () => span);

  /** A processor that keeps its spans, and an exporter that responds with the next of some codes. */
  function rig(room: number, codes: number[] = []) {
    const exporter: SpanExporter = {
      export: (_spans, answer) => answer({ code: codes.shift()! }),
      shutdown: async () => undefined,
    };
    const reported: Deliveries[] = [];
    const counted = countedSpans(exporter, room, (deliveries) => void reported.push(deliveries));
    let kept = 0;
    const keeping: SpanProcessor = {
      onStart: () => undefined,
      onEnd: () => void kept++,
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    };
    const processor = counted.processor(keeping);
    const end = (count: number) => {
      for (const each of spans(count)) processor.onEnd(each);
    };
    return { counted, reported, end, kept: () => kept };
  }

  test('delivered and dropped spans are counted', () => {
    const { counted, reported, end } = rig(100, [0, 1, 1, 0]);
    end(18);
    const answers: number[] = [];
    for (const count of [3, 4, 5, 6]) counted.exporter.export(spans(count), ({ code }) => answers.push(code));
    expect(counted.deliveries()).toEqual({ made: 18, delivered: 9, failed: 9, refused: 0 });
    expect(reported.map(({ failed }) => failed)).toEqual([0, 4, 9, 9]);
    expect(answers).toEqual([0, 1, 1, 0]);
  });

  test('spans beyond the limit are dropped until others are delivered', () => {
    const { counted, end, kept } = rig(10, [1, 0]);
    end(12);
    expect([kept(), counted.deliveries().refused]).toEqual([10, 2]);
    counted.exporter.export(spans(4), () => undefined);
    end(5);
    expect([kept(), counted.deliveries().refused]).toEqual([14, 3]);
    expect(counted.deliveries()).toEqual({ made: 17, delivered: 0, failed: 4, refused: 3 });
  });
});

describe('span exporters', () => {
  const log = createLogger({ level: 'silent' }, 'test');
  const kindsOf = (env: Readonly<Record<string, string>>) => spanExporters(env, log).map((each) => each.constructor);

  test('spans are exported over OTLP/gRPC by default, or as the standard variables say', () => {
    expect(kindsOf({})).toEqual([GrpcExporter]);
    expect(kindsOf({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' })).toEqual([HttpProtobufExporter]);
    const both = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' };
    expect(kindsOf(both)).toEqual([HttpJsonExporter]);
    expect(kindsOf({ OTEL_TRACES_EXPORTER: 'otlp, console' })).toEqual([GrpcExporter, ConsoleSpanExporter]);
    expect(kindsOf({ OTEL_TRACES_EXPORTER: 'none' })).toEqual([]);
  });

  test('an unknown exporter is ignored, and an unknown protocol is replaced by grpc', () => {
    expect(kindsOf({ OTEL_TRACES_EXPORTER: 'zipkin,console' })).toEqual([ConsoleSpanExporter]);
    expect(kindsOf({ OTEL_EXPORTER_OTLP_PROTOCOL: 'pigeon' })).toEqual([GrpcExporter]);
  });
});

describe('work later', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function rig() {
    const done: number[] = [];
    const later = workLater(4, 1000);
    const add = (...pieces: readonly number[]) => {
      for (const piece of pieces) later.add(() => done.push(piece));
    };
    return { done, later, add };
  }

  test('work runs in order when a batch is full', () => {
    const { done, add } = rig();
    add(1, 2, 3);
    expect(done).toEqual([]);
    add(4, 5);
    expect(done).toEqual([1, 2, 3, 4]);
  });

  test('an incomplete batch runs after a while, once', () => {
    const { done, add } = rig();
    add(1, 2);
    vi.advanceTimersByTime(999);
    expect(done).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(done).toEqual([1, 2]);
    add(3);
    vi.advanceTimersByTime(5000);
    expect(done).toEqual([1, 2, 3]);
  });

  test('all work runs at the end', () => {
    const { done, later, add } = rig();
    add(1, 2, 3);
    later.now();
    expect(done).toEqual([1, 2, 3]);
    vi.advanceTimersByTime(5000);
    later.now();
    expect(done).toEqual([1, 2, 3]);
  });
});
