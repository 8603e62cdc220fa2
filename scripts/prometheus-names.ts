/** How the OTLP receiver of Prometheus names our metrics. */
import { METRICS, type MetricDefinition } from '@trikd/telemetry/semconv';

const UNITS: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };

/** Every name under which a metric can be asked for there. */
export function prometheusNames(): readonly string[] {
  return Object.entries(METRICS).flatMap(([name, definition]) => namesOf(name, definition));
}

function namesOf(name: string, { kind, unit }: MetricDefinition): readonly string[] {
  const base = `${name.replaceAll('.', '_')}${UNITS[unit] ?? ''}`;
  switch (kind) {
    case 'histogram':
      return [`${base}_bucket`, `${base}_sum`, `${base}_count`];
    case 'counter':
    case 'total':
      return [`${base}_total`];
    case 'amount':
    case 'gauge':
      return [unit === '1' ? `${base}_ratio` : base];
  }
}
