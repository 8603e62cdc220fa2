import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpJsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as HttpProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { ConsoleSpanExporter } from '@opentelemetry/sdk-trace';
import { createLogger } from '@trikd/process/logging';
import { expect, test } from 'vitest';
import { spanExporters } from './span-exporters.js';

const log = createLogger({ level: 'silent' }, 'test');
const kindsOf = (env: Readonly<Record<string, string>>) => spanExporters(env, log).map((each) => each.constructor);

test('spans go over OTLP/gRPC, or as the standard variables say', () => {
  expect(kindsOf({})).toEqual([GrpcExporter]);
  expect(kindsOf({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' })).toEqual([HttpProtobufExporter]);
  const both = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' };
  expect(kindsOf(both)).toEqual([HttpJsonExporter]);
  expect(kindsOf({ OTEL_TRACES_EXPORTER: 'otlp, console' })).toEqual([GrpcExporter, ConsoleSpanExporter]);
  expect(kindsOf({ OTEL_TRACES_EXPORTER: 'none' })).toEqual([]);
});

test('an exporter that nobody knows is left out, and a protocol that nobody knows is grpc', () => {
  expect(kindsOf({ OTEL_TRACES_EXPORTER: 'zipkin,console' })).toEqual([ConsoleSpanExporter]);
  expect(kindsOf({ OTEL_EXPORTER_OTLP_PROTOCOL: 'pigeon' })).toEqual([GrpcExporter]);
});
