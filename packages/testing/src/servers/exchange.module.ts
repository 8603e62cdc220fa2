import { type DynamicModule, Module } from '@nestjs/common';
import { ExchangeController } from '@trikd/model-host/exchange.controller';
import { type ExchangeSource } from '@trikd/model-host/exchange-source';
import { EXCHANGE, SHUTDOWN } from '@trikd/model-host/tokens';
import { ExchangeDefinition } from '@trikd/protocol/frame-codec';

@Module({})
class ExchangeModule {}

/** The exchange alone, for a process that only streams frames, such as a benchmark. */
export function exchangeModule(source: ExchangeSource, shutdown: AbortSignal): DynamicModule {
  return {
    module: ExchangeModule,
    controllers: [ExchangeController],
    providers: [
      { provide: EXCHANGE, useValue: source },
      { provide: SHUTDOWN, useValue: shutdown },
    ],
  };
}

/** The definitions that belong to `exchangeModule`. */
export const EXCHANGE_SERVICES = { 'trikd.v1.ExchangeService': ExchangeDefinition };
