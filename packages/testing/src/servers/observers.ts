/** An OpenTelemetry Collector and a Jaeger as child processes, for tests and for `make observe`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ChildServer, controlOf, freePort, wordsOf } from './child-server.js';
import { goTool } from './go-tool.js';

/** A collector that is ready to take. */
export interface Collector extends ChildServer {
  /** Where services send telemetry: the value of OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly otlp: string;
  /** The same over HTTP, for OTEL_EXPORTER_OTLP_PROTOCOL http/protobuf and http/json. */
  readonly otlpHttp: string;
  /** Its process. */
  readonly pid: number;
}

/** The two of them, ready to take and to answer. */
export interface Observers extends ChildServer {
  /** Where services send telemetry: the value of OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly otlp: string;
  /** Jaeger's HTTP API. */
  readonly jaeger: string;
}

export interface ObserverPorts {
  /** Where services send telemetry. Default, as for the other: a free port. */
  readonly otlp?: number;
  /** Of Jaeger's HTTP API. */
  readonly jaeger?: number;
}

const START_MS = 30_000;

const config = (name: string) => fileURLToPath(new URL(`../../../../deploy/${name}`, import.meta.url));
const place = async (port?: number) => `127.0.0.1:${port ?? (await freePort())}`;

/**
 * Starts a collector with the configuration of deploy/, which passes traces on.
 * @param traces host:port that takes them, as OTLP over gRPC. Default: one where nothing listens
 * @param port of its own OTLP over gRPC. Default: a free one
 * @throws when it does not answer, with its last words
 */
export async function startCollector(traces?: string, port?: number): Promise<Collector> {
  const [otlp, http] = [await place(port), await place()];
  const collector = launch('otelcol', ['--config', config('otel-collector.yaml')], {
    TRIKD_OTLP_GRPC: otlp,
    TRIKD_OTLP_HTTP: http,
    TRIKD_JAEGER: traces ?? (await place()),
  });
  // An empty export is taken as soon as the collector is ready.
  await untilAnswer(collector, `http://${http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  const { pid, ended, stop, kill } = collector;
  return { otlp: `http://${otlp}`, otlpHttp: `http://${http}`, pid, ended, stop, kill };
}

/** A collector that passes the traces that it gets to a function, in OTLP's JSON. */
export async function startTraceSink(
  take: (body: string) => void,
): Promise<ChildServer & { readonly address: string }> {
  const taker = createServer((request, reply) => {
    void text(request).then((body) => {
      take(body);
      reply.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(taker, 'listening');
  const bound = taker.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port was bound');
  const [address, http] = [await place(), await place()];
  const settings = {
    receivers: { otlp: { protocols: { grpc: { endpoint: address }, http: { endpoint: http } } } },
    exporters: {
      otlp_http: { endpoint: `http://127.0.0.1:${bound.port}`, encoding: 'json', compression: 'none' },
    },
    service: {
      pipelines: { traces: { receivers: ['otlp'], exporters: ['otlp_http'] } },
      telemetry: { logs: { level: 'warn' }, metrics: { level: 'none' } },
    },
  };
  const sink = launch('otelcol', ['--config', `yaml:${JSON.stringify(settings)}`], {});
  await untilAnswer(sink, `http://${http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  const end = (how: () => Promise<void>) => async () => {
    await how();
    taker.close();
    taker.closeAllConnections();
  };
  return { address, ended: sink.ended, stop: end(sink.stop), kill: end(sink.kill) };
}

/** Starts a collector and a Jaeger with the configuration of deploy/. @throws when one does not answer, with its last words */
export async function startObservers(ports: ObserverPorts = {}): Promise<Observers> {
  const [jaegerOtlp, query, queryGrpc] = [await place(), await place(ports.jaeger), await place()];
  const jaeger = launch('jaeger', ['--config', config('jaeger.yaml')], {
    TRIKD_JAEGER: jaegerOtlp,
    TRIKD_JAEGER_QUERY: query,
    TRIKD_JAEGER_QUERY_GRPC: queryGrpc,
  });
  const [collector] = await Promise.all([
    startCollector(jaegerOtlp, ports.otlp),
    untilAnswer(jaeger, `http://${query}/api/services`),
  ]);
  const both = [collector, jaeger] as const;
  const all = (end: (server: ChildServer) => Promise<void>) => async () => {
    await Promise.all(both.map(end));
  };
  return {
    otlp: collector.otlp,
    jaeger: `http://${query}`,
    ended: Promise.race(both.map(({ ended }) => ended)),
    stop: all((server) => server.stop()),
    kill: all((server) => server.kill()),
  };
}

function launch(name: 'jaeger' | 'otelcol', args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(goTool(name), args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return { name, pid: child.pid ?? 0, words: wordsOf(child), ...controlOf(child) };
}

async function untilAnswer(server: ReturnType<typeof launch>, url: string, request: RequestInit = {}): Promise<void> {
  let gone = false;
  void server.ended.then(() => {
    gone = true;
  });
  const last = performance.now() + START_MS;
  for (;;) {
    try {
      if ((await fetch(url, request)).ok) return;
    } catch (error) {
      if (gone || performance.now() > last) {
        await server.kill();
        throw new Error(`${server.name} does not start: ${server.words() || String(error)}`, { cause: error });
      }
    }
    await delay(50);
  }
}
