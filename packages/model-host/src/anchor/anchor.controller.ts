import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { fromPosition } from '@trikd/protocol/convert';
import { fromFrozenParams, fromFrozenScores, toFrozenAssignment } from '@trikd/protocol/convert-anchor';
import { fromNumerics } from '@trikd/protocol/convert-numerics';
import type {
  GetAnchorResponse,
  LoadAnchorRequest,
  LoadAnchorResponse,
} from '@trikd/protocol/gen/node/trikd/v1/anchor';
import { ANCHOR } from '../tokens.js';
import type { AnchorHolder } from './anchor-holder.js';

/** Translates between AnchorService messages and the anchor. */
@Controller()
export class AnchorController {
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
