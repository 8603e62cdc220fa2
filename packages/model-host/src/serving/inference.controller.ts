import type { Metadata, ServerDuplexStream, ServerUnaryCall } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall } from '@nestjs/microservices';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Logger } from '@trikd/process/logging';
import {
  fromIndex,
  fromInferenceAnswer,
  fromModelFacts,
  SERVER,
  toInferenceRequest,
} from '@trikd/protocol/convert-inference';
import type {
  ModelInferRequest,
  ModelInferResponse,
  ModelMetadataRequest,
  ModelMetadataResponse,
  ModelReadyRequest,
  ModelReadyResponse,
  ModelStreamInferResponse,
  RepositoryIndexRequest,
  RepositoryIndexResponse,
  ServerLiveResponse,
  ServerMetadataResponse,
  ServerReadyResponse,
} from '@trikd/protocol/gen/node/inference/inference';
import { callSignal } from '@trikd/transport/grpc/call-signal';
import { serveDuplex } from '@trikd/transport/grpc/serve-duplex';
import { INFERENCE_LOG, MODELS, SHUTDOWN } from '../tokens.js';
import type { ModelServer } from './model-server.js';

/** Requests of a stream that are computed at once, at most. */
const STREAM_WINDOW = 8;

/** Translates between messages of the Open Inference Protocol and the server of models. */
@Controller()
export class InferenceController {
  constructor(
    @Inject(MODELS) private readonly models: ModelServer,
    @Inject(SHUTDOWN) private readonly shutdown: AbortSignal,
    @Inject(INFERENCE_LOG) private readonly log: Logger,
  ) {}

  @GrpcMethod('GRPCInferenceService', 'serverLive')
  serverLive(): ServerLiveResponse {
    return { live: true };
  }

  @GrpcMethod('GRPCInferenceService', 'serverReady')
  serverReady(): ServerReadyResponse {
    return { ready: this.models.ready() };
  }

  @GrpcMethod('GRPCInferenceService', 'modelReady')
  modelReady({ name, version }: ModelReadyRequest): ModelReadyResponse {
    return { ready: this.models.modelReady(name, version) };
  }

  @GrpcMethod('GRPCInferenceService', 'serverMetadata')
  serverMetadata(): ServerMetadataResponse {
    return SERVER;
  }

  @GrpcMethod('GRPCInferenceService', 'modelMetadata')
  async modelMetadata({ name, version }: ModelMetadataRequest): Promise<ModelMetadataResponse> {
    return fromModelFacts(await this.models.metadata(name, version));
  }

  @GrpcMethod('GRPCInferenceService', 'repositoryIndex')
  repositoryIndex({ ready }: RepositoryIndexRequest): RepositoryIndexResponse {
    return fromIndex(this.models.index(), ready);
  }

  @GrpcMethod('GRPCInferenceService', 'modelInfer')
  modelInfer(
    request: ModelInferRequest,
    _: Metadata,
    call: ServerUnaryCall<ModelInferRequest, ModelInferResponse>,
  ): Promise<ModelInferResponse> {
    return this.answer(request, callSignal(call));
  }

  @GrpcStreamCall('GRPCInferenceService', 'modelStreamInfer')
  async modelStreamInfer(call: ServerDuplexStream<ModelInferRequest, ModelStreamInferResponse>): Promise<void> {
    const { shutdown } = this;
    const answer = (request: ModelInferRequest, signal: AbortSignal): Promise<ModelStreamInferResponse> =>
      this.answer(request, signal).then(
        (inferResponse) => ({ errorMessage: '', inferResponse }),
        (error: unknown) => ({ errorMessage: this.messageOf(error), inferResponse: failed(request) }),
      );
    await serveDuplex(call, { answer, window: STREAM_WINDOW, shutdown });
  }

  private async answer(request: ModelInferRequest, signal: AbortSignal): Promise<ModelInferResponse> {
    return fromInferenceAnswer(await this.models.infer(toInferenceRequest(request), signal), request.id);
  }

  private messageOf(error: unknown): string {
    if (error instanceof TrikdError) return error.message;
    this.log.error({ err: error }, 'request failed');
    return 'internal error';
  }
}

/** The answer to a request of a stream that failed: its client finds it by the id. */
function failed({ modelName, modelVersion, id }: ModelInferRequest): ModelInferResponse {
  return { modelName, modelVersion, id, parameters: {}, outputs: [], rawOutputContents: [] };
}
