import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { fromBlob, fromPosition, fromScore, toBlob, toPosition, toTracing } from '@trikd/protocol/convert';
import type {
  GetAnchorResponse,
  LoadAnchorRequest,
  LoadAnchorResponse,
} from '@trikd/protocol/gen/node/trikd/v1/anchor';
import { parseSpec } from '@trikd/protocol/parse-spec';
import { ANCHOR } from '../tokens.js';
import type { AnchorHolder } from './anchor-holder.js';

/** Translates between AnchorService messages and the anchor. */
@Controller()
export class AnchorController {
  constructor(@Inject(ANCHOR) private readonly anchor: AnchorHolder) {}

  @GrpcMethod('AnchorService', 'loadAnchor')
  async loadAnchor({ start, spec, params, tracing: tracingMessage }: LoadAnchorRequest): Promise<LoadAnchorResponse> {
    const tracing = toTracing(tracingMessage);
    const assignment = {
      start: toPosition(start),
      spec: parseSpec(spec),
      params: toBlob(params),
      ...(tracing && { tracing }),
    };
    const { datasetDigest, validation, test } = await this.anchor.load(assignment);
    return { datasetDigest, validation: fromScore(validation), test: fromScore(test) };
  }

  @GrpcMethod('AnchorService', 'getAnchor')
  getAnchor(): GetAnchorResponse {
    const serving = this.anchor.serving();
    return { serving: serving && fromPosition(serving.start), params: serving && fromBlob(serving.params) };
  }
}
