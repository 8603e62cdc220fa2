import { type DynamicModule, Module } from '@nestjs/common';
import { ExchangeDefinition } from '@trikd/protocol/frame-codec';
import { TimingServiceService } from '@trikd/protocol/gen/node/trikd/v1/timing';
import { TrainerServiceService } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { ExchangeController } from '../exchange/exchange.controller.js';
import { TimingController } from '../timing/timing.controller.js';
import { EXCHANGE, SHUTDOWN, STEPS, TRAINER } from '../tokens.js';
import { TrainerController } from './trainer.controller.js';
import type { Trainer } from './trainer.js';

@Module({})
class TrainerModule {}

/** The wiring of both trainers. */
export function trainerModule(trainer: Trainer, shutdown: AbortSignal): DynamicModule {
  return {
    module: TrainerModule,
    controllers: [TrainerController, ExchangeController, TimingController],
    providers: [
      { provide: TRAINER, useValue: trainer },
      { provide: EXCHANGE, useValue: trainer },
      { provide: STEPS, useValue: trainer.steps },
      { provide: SHUTDOWN, useValue: shutdown },
    ],
  };
}

/** The definitions that belong to `trainerModule`. */
export const TRAINER_SERVICES = {
  'trikd.v1.TrainerService': TrainerServiceService,
  'trikd.v1.ExchangeService': ExchangeDefinition,
  'trikd.v1.TimingService': TimingServiceService,
};
