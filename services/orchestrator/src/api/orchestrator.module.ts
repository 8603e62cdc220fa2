import { type DynamicModule, Module } from '@nestjs/common';
import type { Orchestrator } from '../orchestrator.js';
import { ORCHESTRATOR, OrchestratorController } from './orchestrator.controller.js';

@Module({})
class OrchestratorModule {}

/** The wiring of the service: the only file that knows both the orchestrator and the framework. */
export function orchestratorModule(orchestrator: Orchestrator): DynamicModule {
  return {
    module: OrchestratorModule,
    controllers: [OrchestratorController],
    providers: [{ provide: ORCHESTRATOR, useValue: orchestrator }],
  };
}
