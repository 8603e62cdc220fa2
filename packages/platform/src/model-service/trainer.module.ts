import { type DynamicModule, Module } from '@nestjs/common';
import { TrainerServiceService } from '../gen/trikd/v1/trainer.js';
import { ExchangeDefinition } from '../grpc/frame-codec.js';
import { ExchangeController } from './exchange.controller.js';
import { EXCHANGE, SHUTDOWN, TRAINER } from './tokens.js';
import { TrainerController } from './trainer.controller.js';
import type { Trainer } from './trainer.js';

@Module({})
class TrainerModule {}

/** The wiring of both trainers. */
export function trainerModule(trainer: Trainer, shutdown: AbortSignal): DynamicModule {
  return {
    module: TrainerModule,
    controllers: [TrainerController, ExchangeController],
    providers: [
      { provide: TRAINER, useValue: trainer },
      { provide: EXCHANGE, useValue: trainer },
      { provide: SHUTDOWN, useValue: shutdown },
    ],
  };
}

/** The definitions that belong to `trainerModule`. */
export const TRAINER_SERVICES = {
  'trikd.v1.TrainerService': TrainerServiceService,
  'trikd.v1.ExchangeService': ExchangeDefinition,
};
