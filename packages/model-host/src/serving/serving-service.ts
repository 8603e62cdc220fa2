import type { Logger } from '@trikd/process/logging';
import { callMeter, refusalMeter } from '@trikd/telemetry/instruments';
import type { Telemetry } from '@trikd/telemetry/telemetry';
import type { TokenVerifier } from '@trikd/transport/access/identify';
import { loginFacts } from '@trikd/transport/access/oidc-config';
import type { Security } from '@trikd/transport/access/security';
import { createService, type ServiceOptions } from '@trikd/transport/nest/create-service';
import type { Sidecar } from '@trikd/transport/nest/run-service';
import type { ModelServer } from './model-server.js';
import { serveModelsHttp } from './serve-http.js';
import { SERVING_SERVICES, servingModule } from './serving.module.js';
import type { ServingConfig } from './serving-config.js';

/** What a served model needs to be reached. */
export interface ServingOptions {
  readonly models: ModelServer;
  readonly config: ServingConfig;
  readonly security: Security;
  readonly plaintext: 'loopback' | 'anywhere';
  /** Folder of the built page to try the models. Default: there is none. */
  readonly page?: string;
  readonly tokens?: TokenVerifier;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  /** Aborts when the process is asked to exit. */
  readonly shutdown: AbortSignal;
}

/** The gRPC server of models, which begins to follow its runs. */
export function servingService({
  models,
  config,
  security,
  tokens,
  log,
  telemetry,
  shutdown,
}: ServingOptions): ServiceOptions {
  const { listen, limits, oidc } = config;
  return {
    ...{ listen, limits, section: 'serving.limits', security, log },
    module: servingModule(models, log, shutdown),
    services: SERVING_SERVICES,
    ready: models.start(),
    onCall: callMeter(telemetry.record),
    onRefused: refusalMeter(telemetry.record),
    ...(oidc && tokens && { tokens, login: loginFacts(oidc) }),
  };
}

/** The HTTP server of models, unless the configuration wants none. */
export function servingHttp(options: ServingOptions): (() => Promise<Sidecar>) | undefined {
  const { http: listen, httpLimits, hosts, limits } = options.config;
  if (listen === '') return undefined;
  const onRefused = refusalMeter(options.telemetry.record);
  const { requestBytes } = limits;
  return () => serveModelsHttp({ ...options, listen, hosts, limits: httpLimits, requestBytes, onRefused });
}

/** Both servers, beside the service of the process. */
export function servingSidecar(options: ServingOptions, drainSeconds: number): () => Promise<Sidecar> {
  return async () => {
    const service = await createService({ ...servingService(options), drainSeconds });
    const http = await servingHttp(options)?.();
    options.log.info({ address: service.address, ...(http && { url: http.url }) }, 'serving models');
    return {
      url: http?.url ?? `grpc://${service.address}`,
      async close() {
        await Promise.all([service.close(), http?.close()]);
      },
    };
  };
}
