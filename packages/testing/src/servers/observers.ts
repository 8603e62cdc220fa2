/** An OpenTelemetry Collector and a Jaeger as child processes, for tests and for `make observe`. */
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ChildServer, controlOf, freePort, wordsOf } from './child-server.js';
import { goTool } from './go-tool.js';

/** The two of them, ready to take and to answer. */
export interface Observers extends ChildServer {
  /** Where services send to: the value of OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly otlp: string;
  /** The same over HTTP, for those who set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf or http/json. */
  readonly otlpHttp: string;
  /** Jaeger's HTTP API. */
  readonly jaeger: string;
  /** The collector's process. */
  readonly collectorPid: number;
}

export interface ObserverPorts {
  /** Where services send to. Default, as for the other: one that is free. */
  readonly otlp?: number;
  /** Of Jaeger's HTTP API. */
  readonly jaeger?: number;
}

const START_MS = 30_000;

const config = (name: string) => fileURLToPath(new URL(`../../../../deploy/${name}`, import.meta.url));

/** Starts both with the configuration of deploy/. @throws when one does not answer, with its last words */
export async function startObservers(ports: ObserverPorts = {}): Promise<Observers> {
  const place = async (port?: number) => `127.0.0.1:${port ?? (await freePort())}`;
  const [otlp, http, jaegerOtlp, query, queryGrpc] = [
    await place(ports.otlp),
    await place(),
    await place(),
    await place(ports.jaeger),
    await place(),
  ];
  const jaeger = launch('jaeger', ['--config', config('jaeger.yaml')], {
    TRIKD_JAEGER: jaegerOtlp,
    TRIKD_JAEGER_QUERY: query,
    TRIKD_JAEGER_QUERY_GRPC: queryGrpc,
  });
  const collector = launch('otelcol', ['--config', config('otel-collector.yaml')], {
    TRIKD_OTLP_GRPC: otlp,
    TRIKD_OTLP_HTTP: http,
    TRIKD_JAEGER: jaegerOtlp,
  });
  const both = [collector, jaeger] as const;
  const all = (end: (server: ChildServer) => Promise<void>) => async () => {
    await Promise.all(both.map(end));
  };
  const kill = all((server) => server.kill());
  try {
    // An empty export is taken as soon as the collector is ready.
    await Promise.all([
      untilAnswer(jaeger, `http://${query}/api/services`),
      untilAnswer(collector, `http://${http}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      }),
    ]);
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    otlp: `http://${otlp}`,
    otlpHttp: `http://${http}`,
    jaeger: `http://${query}`,
    collectorPid: collector.pid,
    ended: Promise.race(both.map(({ ended }) => ended)),
    stop: all((server) => server.stop()),
    kill,
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
        throw new Error(`${server.name} does not start: ${server.words() || String(error)}`, { cause: error });
      }
    }
    await delay(50);
  }
}
