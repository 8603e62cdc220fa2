import { Controller, type DynamicModule, Inject, Module } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { usageReader } from '@trikd/process/process-usage';
import { fromPosition } from '@trikd/protocol/convert';
import { fromFrozenParams, fromFrozenScores, toFrozenAssignment } from '@trikd/protocol/convert-anchor';
import { fromNumerics } from '@trikd/protocol/convert-participant';
import { ExchangeDefinition } from '@trikd/protocol/frame-codec';
import {
  AnchorServiceService,
  type GetAnchorResponse,
  type LoadAnchorRequest,
  type LoadAnchorResponse,
} from '@trikd/protocol/gen/node/trikd/v1/anchor';
import { TimingServiceService } from '@trikd/protocol/gen/node/trikd/v1/timing';
import { ExchangeController } from '../exchange.controller.js';
import { TimingController } from '../timing.controller.js';
import { ANCHOR, EXCHANGE, SHUTDOWN, STEPS, USAGE } from '../tokens.js';
import type { AnchorHolder } from './anchor-holder.js';

/** Translates between AnchorService messages and the anchor. */
@Controller()
class AnchorController {
  constructor(@Inject(ANCHOR) private readonly anchor: AnchorHolder) {}

  @GrpcMethod('AnchorService', 'loadAnchor')
  async loadAnchor(request: LoadAnchorRequest): Promise<LoadAnchorResponse> {
    const assignment = toFrozenAssignment(request);
    const { datasetDigest, scores, files } = await this.anchor.load(assignment);
    const numerics = fromNumerics(this.anchor.numerics(assignment.spec.engine));
    return { datasetDigest, scores: fromFrozenScores(scores), numerics, files: { ...files } };
  }

  @GrpcMethod('AnchorService', 'getAnchor')
  getAnchor(): GetAnchorResponse {
    const serving = this.anchor.serving();
    return { serving: serving && fromPosition(serving.start), frozen: fromFrozenParams(serving?.params ?? {}) };
  }
}

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
