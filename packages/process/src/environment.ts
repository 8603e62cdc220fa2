import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

// The only file that reads environment variables that are not part of a service's configuration.

/** The folder of downloaded files: TRIKD_CACHE, or `trikd` in the user's cache folder. */
export function cacheFolder(): string {
  const chosen = process.env.TRIKD_CACHE;
  if (chosen) return resolve(chosen);
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'trikd');
}

/** The folder where Node.js keeps compiled code between processes. `bin/trikd.cjs` of the command line names it, too. */
export function compiledCodeFolder(): string {
  return join(cacheFolder(), 'compiled-code');
}

/** The folder with the modules that this user has used: TRIKD_MODULES, or `modules` in the cache folder. */
export function modulesFolder(): string {
  const chosen = process.env.TRIKD_MODULES;
  return chosen ? resolve(chosen) : join(cacheFolder(), 'modules');
}

/** Folders that may contain Fashion-MNIST, in order of precedence. TRIKD_DATA overrides all others. */
export function dataFolders(): readonly string[] {
  const chosen = process.env.TRIKD_DATA;
  if (chosen) return [resolve(chosen)];
  return [join(cacheFolder(), 'fashion-mnist'), '/usr/share/datasets/fashion-mnist'];
}

/** Folders that may contain a dataset by its name, in order of precedence: in TRIKD_DATA, and beside Fashion-MNIST. */
export function namedDataFolders(name: string): readonly string[] {
  const chosen = process.env.TRIKD_DATA;
  const own = chosen ? [join(resolve(chosen), name)] : [];
  return [...own, join(cacheFolder(), name), join('/usr/share/datasets', name)];
}

/** The environment variables for `loadConfig`. */
export function environment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/**
 * Suppresses TensorFlow's log line about oneDNN; call it before TensorFlow is loaded. TensorFlow has no other switch for
 * it. Turning oneDNN off changes numbers: only for a process that computes nothing.
 */
export function quietTensorFlow(): void {
  process.env.TF_ENABLE_ONEDNN_OPTS = '0';
}

/** As it was when this process began. */
const chosenOneDnn = process.env.TF_ENABLE_ONEDNN_OPTS;

/** The environment for a child that computes: without what `quietTensorFlow` has set, which would change its numbers. */
export function computingEnvironment(env: Readonly<NodeJS.ProcessEnv> = process.env): NodeJS.ProcessEnv {
  const { TF_ENABLE_ONEDNN_OPTS: set, ...others } = env;
  if (set === undefined) return env;
  return { ...others, ...(chosenOneDnn !== undefined && { TF_ENABLE_ONEDNN_OPTS: chosenOneDnn }) };
}

/**
 * Sets the defaults of the OpenTelemetry SDK; call it before the SDK is loaded. OTLP over gRPC, and no logs, which are
 * JSON on standard output.
 */
export function telemetryDefaults(service: string): void {
  process.env.OTEL_EXPORTER_OTLP_PROTOCOL ??= 'grpc';
  process.env.OTEL_LOGS_EXPORTER ??= 'none';
  process.env.OTEL_SERVICE_NAME ??= service;
  const { OTEL_RESOURCE_ATTRIBUTES: configured = '' } = process.env;
  // If an attribute occurs twice, the last value wins.
  process.env.OTEL_RESOURCE_ATTRIBUTES = ['service.namespace=trikd', configured]
    .filter((part) => part !== '')
    .join(',');
}
