import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpJsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as HttpProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { ConsoleSpanExporter, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from '@trikd/process/logging';

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The exporters that the standard variables want, each of which reads its own further ones. What nobody knows is told, and left out. */
export function spanExporters(env: Environment, log: Logger): readonly SpanExporter[] {
  const kinds = (env.OTEL_TRACES_EXPORTER || 'otlp').split(',').map((kind) => kind.trim());
  if (kinds.includes('none')) return [];
  return kinds.flatMap((kind) => {
    if (kind === 'otlp') return otlpExporter(env, log);
    if (kind === 'console') return new ConsoleSpanExporter();
    log.warn({ OTEL_TRACES_EXPORTER: kind }, 'no such exporter of spans: use otlp, console or none');
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
      if (protocol !== 'grpc') log.warn({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol }, 'no such protocol: grpc is used');
      return new GrpcExporter();
  }
}
