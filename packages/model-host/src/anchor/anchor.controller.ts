import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { fromBlob, fromPosition, fromScore } from '@trikd/protocol/convert';
import { toAnchorAssignment } from '@trikd/protocol/convert-anchor';
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
    const assignment = toAnchorAssignment(request);
    const { datasetDigest, validation, test } = await this.anchor.load(assignment);
    const numerics = fromNumerics(this.anchor.numerics(assignment.spec.engine));
    return { datasetDigest, validation: fromScore(validation), test: fromScore(test), numerics };
  }

  @GrpcMethod('AnchorService', 'getAnchor')
  getAnchor(): GetAnchorResponse {
    const serving = this.anchor.serving();
    return { serving: serving && fromPosition(serving.start), params: serving && fromBlob(serving.params) };
  }
}
