/**
 * Runs an OpenTelemetry Collector and a Jaeger on this machine until Ctrl-C, and says how services are told of them.
 *
 * usage: node scripts/observe.ts [--otlp PORT] [--jaeger PORT]
 */
import { parseArgs } from 'node:util';
import { startObservers } from '@trikd/testing/servers/observers';

const { values } = parseArgs({
  options: { otlp: { type: 'string', default: '4317' }, jaeger: { type: 'string', default: '16686' } },
});
const observers = await startObservers({ otlp: Number(values.otlp), jaeger: Number(values.jaeger) }).catch(
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return process.exit(1);
  },
);

console.log(`A collector and a Jaeger listen on this machine alone; Ctrl-C ends them, and what they know is gone.

Services, and \`trikd run\` for those it starts, send to them with

  export OTEL_EXPORTER_OTLP_ENDPOINT=${observers.otlp}

Jaeger answers at ${observers.jaeger}, in JSON: it comes without pages.

  curl '${observers.jaeger}/api/traces?service=orchestrator&operation=trikd.step&limit=5'
  curl '${observers.jaeger}/api/traces/TRACE_ID'`);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void observers.stop());
await observers.ended;
await observers.stop();
