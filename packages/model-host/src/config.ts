import type { Role, TrainedRole } from '@trikd/core/domain/position';
import { isProducerAddress } from '@trikd/core/exchange/producer-address';
import { AdmissionLimits } from '@trikd/core/spec/admission';
import { MAX_SERVICE_SECONDS } from '@trikd/core/spec/fields';
import { MOST_REPLICAS } from '@trikd/core/spec/role-spec';
import { Address } from '@trikd/process/address';
import { dataSettings } from '@trikd/process/data-settings';
import { LogConfig } from '@trikd/process/logging';
import { StoreConfig } from '@trikd/store/store-config';
import { TelemetryConfig } from '@trikd/telemetry/start-telemetry';
import { securitySettings } from '@trikd/transport/access/tls-config';
import { endpointSettings } from '@trikd/transport/inference/endpoint-settings';
import { ServerLimits } from '@trikd/transport/limits/server-limits';
import { z } from 'zod';
import { ServingConfig } from './serving/serving-config.js';

/** The ports on which the services of the models listen by default. */
const DEFAULT_PORTS: Readonly<Record<Role, number>> = { anchor: 50_051, teacher: 50_052, student: 50_053 };

/** What the configurations of an anchor-server and of a trainer process have in common. */
export function modelServiceConfig(role: Role) {
  return z.strictObject({
    listen: Address.default(`127.0.0.1:${DEFAULT_PORTS[role]}`).describe(
      'address of the gRPC server; port 0: any free port',
    ),
    ...securitySettings,
    store: StoreConfig.describe('where checkpoints are stored'),
    drainSeconds: z.number().min(0).max(MAX_SERVICE_SECONDS).default(5).describe('for open calls to end after SIGTERM'),
    ...dataSettings,
    admission: AdmissionLimits,
    limits: ServerLimits.prefault({}),
    telemetry: TelemetryConfig,
    log: LogConfig,
  });
}

/** host:port, or *.domain:port for every host of a domain. */
const Peer = z
  .string()
  .refine(
    (text) => isProducerAddress(text.replace(/^\*\./, '')),
    'expected host:port, or *.domain:port for a whole domain',
  );

/** Configuration of a trainer process. */
export function trainerConfig(role: TrainedRole) {
  return modelServiceConfig(role).extend({
    peers: z
      .array(Peer)
      .optional()
      .describe(
        'trainers only: addresses of models that an assignment may name, such as teacher:50052, or *.trikd.svc:50052 for a domain; without it: any',
      ),
    replicas: z
      .array(Address)
      .max(MOST_REPLICAS - 1)
      .default([])
      .describe(
        'trainers only: addresses of other trainers of this role, which compute the further replicas of a learner; this process computes those that have none',
      ),
  });
}

/** Configuration of an anchor-server process. */
export function anchorConfig() {
  return modelServiceConfig('anchor').extend({
    ...endpointSettings,
    serving: ServingConfig.optional().describe(
      'anchor-server only: models of runs that it serves by the Open Inference Protocol; default: none',
    ),
  });
}

export type ModelServiceConfig = z.infer<ReturnType<typeof modelServiceConfig>>;
