import { type DynamicModule, Module } from '@nestjs/common';
import { usageReader } from '@trikd/process/process-usage';
import { ExchangeDefinition } from '@trikd/protocol/frame-codec';
import { AnchorServiceService } from '@trikd/protocol/gen/node/trikd/v1/anchor';
import { TimingServiceService } from '@trikd/protocol/gen/node/trikd/v1/timing';
import { ExchangeController } from '../exchange/exchange.controller.js';
import { TimingController } from '../timing/timing.controller.js';
import { ANCHOR, EXCHANGE, SHUTDOWN, STEPS, USAGE } from '../tokens.js';
import { AnchorController } from './anchor.controller.js';
import type { AnchorHolder } from './anchor-holder.js';

@Module({})
class AnchorModule {}

/** Wires an anchor to its services. */
export function anchorModule(anchor: AnchorHolder, shutdown: AbortSignal): DynamicModule {
  return {
    module: AnchorModule,
    controllers: [AnchorController, ExchangeController, TimingController],
    providers: [
      { provide: ANCHOR, useValue: anchor },
      { provide: EXCHANGE, useValue: anchor },
      { provide: STEPS, useValue: anchor.steps },
      { provide: USAGE, useValue: usageReader() },
      { provide: SHUTDOWN, useValue: shutdown },
    ],
  };
}

/** The services of `anchorModule`. */
export const ANCHOR_SERVICES = {
  'trikd.v1.AnchorService': AnchorServiceService,
  'trikd.v1.ExchangeService': ExchangeDefinition,
  'trikd.v1.TimingService': TimingServiceService,
};
