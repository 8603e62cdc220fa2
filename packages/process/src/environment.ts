import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The one file that reads environment variables which are not part of a service's configuration. */

/** Where fetched things live: TRIKD_CACHE, or `trikd` in the user's own cache. */
export function cacheFolder(): string {
  const chosen = process.env.TRIKD_CACHE;
  if (chosen) return resolve(chosen);
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'trikd');
}

/** Folders that may hold Fashion-MNIST, the first to look in first. Who names one in TRIKD_DATA means that one alone. */
export function dataFolders(): readonly string[] {
  const chosen = process.env.TRIKD_DATA;
  if (chosen) return [resolve(chosen)];
  return [join(cacheFolder(), 'fashion-mnist'), '/usr/share/datasets/fashion-mnist'];
}

/** What `loadConfig` reads beside its file. */
export function environment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/**
 * Keeps TensorFlow, which is not loaded yet, from telling a person at a terminal that oneDNN is on: it has no other switch for that.
 * For a process in which nothing is computed: there it would change the numbers.
 */
export function quietTensorFlow(): void {
  process.env.TF_ENABLE_ONEDNN_OPTS = '0';
}

/**
 * What the OpenTelemetry SDK, which is not loaded yet, does where its own variables say nothing: OTLP over gRPC, and no logs, which are
 * lines of JSON.
 */
export function telemetryDefaults(service: string): void {
  process.env.OTEL_EXPORTER_OTLP_PROTOCOL ??= 'grpc';
  process.env.OTEL_LOGS_EXPORTER ??= 'none';
  process.env.OTEL_SERVICE_NAME ??= service;
  const { OTEL_RESOURCE_ATTRIBUTES: given = '' } = process.env;
  // Of two values of an attribute the later one counts.
  process.env.OTEL_RESOURCE_ATTRIBUTES = ['service.namespace=trikd', given].filter((part) => part !== '').join(',');
}
