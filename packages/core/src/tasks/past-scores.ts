import { ACCURACY, NLL } from './classification/metrics.js';

/** What decided before a run had a task. */
export const PAST_PRIMARY = ACCURACY;

/**
 * Stored JSON of a version whose scores had two fixed metrics, as JSON of today; of today already, it stays as it is. The JSON of
 * protobuf omits zeros.
 */
export function withMetrics(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withMetrics);
  if (typeof value !== 'object' || value === null) return value;
  const fields: Record<string, unknown> = Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, withMetrics(field)]),
  );
  if ('examples' in fields && !('metrics' in fields)) {
    const { [ACCURACY.name]: accuracy = 0, [NLL.name]: nll = 0, ...rest } = fields;
    return { ...rest, metrics: { [ACCURACY.name]: accuracy, [NLL.name]: nll } };
  }
  if ('nextStep' in fields && !('batchMetrics' in fields)) {
    const { batchAccuracy = 0, ...rest } = fields;
    return { ...rest, batchMetrics: { [ACCURACY.name]: batchAccuracy } };
  }
  return fields;
}
