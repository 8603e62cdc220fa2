import { type DynamicModule, Module } from '@nestjs/common';
import { usageReader } from '@trikd/process/process-usage';
import { ExchangeDefinition } from '@trikd/protocol/frame-codec';
import { ReplicaServiceService } from '@trikd/protocol/gen/node/trikd/v1/replica';
import { TimingServiceService } from '@trikd/protocol/gen/node/trikd/v1/timing';
import { TrainerServiceService } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { ExchangeController } from '../exchange/exchange.controller.js';
import { ReplicaController } from '../replica/replica.controller.js';
import type { ReplicaHost } from '../replica/replica-host.js';
import { TimingController } from '../timing/timing.controller.js';
import { EXCHANGE, REPLICAS, SHUTDOWN, STEPS, TRAINER, USAGE } from '../tokens.js';
import { TrainerController } from './trainer.controller.js';
import type { Trainer } from './trainer.js';

@Module({})
class TrainerModule {}

/** Wires a trainer and a host of replicas to their services. */
export function trainerModule(trainer: Trainer, replicas: ReplicaHost, shutdown: AbortSignal): DynamicModule {
  return {
    module: TrainerModule,
    controllers: [TrainerController, ExchangeController, ReplicaController, TimingController],
    providers: [
      { provide: TRAINER, useValue: trainer },
      { provide: EXCHANGE, useValue: trainer },
      { provide: REPLICAS, useValue: replicas },
      { provide: STEPS, useValue: trainer.steps },
      { provide: USAGE, useValue: usageReader() },
      { provide: SHUTDOWN, useValue: shutdown },
    ],
  };
}

/** The services of `trainerModule`. */
export const TRAINER_SERVICES = {
  'trikd.v1.TrainerService': TrainerServiceService,
  'trikd.v1.ExchangeService': ExchangeDefinition,
  'trikd.v1.ReplicaService': ReplicaServiceService,
  'trikd.v1.TimingService': TimingServiceService,
};
