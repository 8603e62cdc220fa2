import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from '@trikd/process/logging';
import { GRPCInferenceServiceService } from '@trikd/protocol/gen/node/inference/inference';
import { INFERENCE_LOG, MODELS, SHUTDOWN } from '../tokens.js';
import { InferenceController } from './inference.controller.js';
import type { ModelServer } from './model-server.js';

@Module({})
class ServingModule {}

/** Wires a server of models to its service. */
export function servingModule(models: ModelServer, log: Logger, shutdown: AbortSignal): DynamicModule {
  return {
    module: ServingModule,
    controllers: [InferenceController],
    providers: [
      { provide: MODELS, useValue: models },
      { provide: INFERENCE_LOG, useValue: log },
      { provide: SHUTDOWN, useValue: shutdown },
    ],
  };
}

/** The services of `servingModule`. */
export const SERVING_SERVICES = { 'inference.GRPCInferenceService': GRPCInferenceServiceService };
