import type { Metadata, ServerDuplexStream, ServerUnaryCall } from '@grpc/grpc-js';
import { Controller, type DynamicModule, Inject, Module } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall } from '@nestjs/microservices';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Logger } from '@trikd/process/logging';
import {
  fromIndex,
  fromInferenceAnswer,
  fromModelFacts,
  SERVER,
  TRACEPARENT,
  toInferenceRequest,
} from '@trikd/protocol/convert-inference';
import {
  GRPCInferenceServiceService,
  type ModelInferRequest,
  type ModelInferResponse,
  type ModelMetadataRequest,
  type ModelMetadataResponse,
  type ModelReadyRequest,
  type ModelReadyResponse,
  type ModelStreamInferResponse,
  type RepositoryIndexRequest,
  type RepositoryIndexResponse,
  type ServerLiveResponse,
  type ServerMetadataResponse,
  type ServerReadyResponse,
} from '@trikd/protocol/gen/node/inference/inference';
import { callSignal, serveDuplex } from '@trikd/transport/grpc/serve-stream';
import { INFERENCE_LOG, MODELS, SHUTDOWN } from '../tokens.js';
import type { ModelServer } from './model-server.js';

/** Requests of a stream that are computed at once, at most. */
const STREAM_WINDOW = 8;

/** Translates between messages of the Open Inference Protocol and the server of models. */
@Controller()
class InferenceController {
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
    metadata: Metadata,
    call: ServerUnaryCall<ModelInferRequest, ModelInferResponse>,
  ): Promise<ModelInferResponse> {
    return this.answer(request, traceparentIn(metadata), callSignal(call));
  }

  @GrpcStreamCall('GRPCInferenceService', 'modelStreamInfer')
  async modelStreamInfer(call: ServerDuplexStream<ModelInferRequest, ModelStreamInferResponse>): Promise<void> {
    const { shutdown } = this;
    const traceparent = traceparentIn(call.metadata);
    const answer = (request: ModelInferRequest, signal: AbortSignal): Promise<ModelStreamInferResponse> =>
      this.answer(request, traceparent, signal).then(
        (inferResponse) => ({ errorMessage: '', inferResponse }),
        (error: unknown) => ({ errorMessage: this.messageOf(error), inferResponse: failed(request) }),
      );
    await serveDuplex(call, { answer, window: STREAM_WINDOW, shutdown });
  }

  private async answer(
    message: ModelInferRequest,
    traceparent: string | undefined,
    signal: AbortSignal,
  ): Promise<ModelInferResponse> {
    const request = { ...toInferenceRequest(message), ...(traceparent !== undefined && { traceparent }) };
    return fromInferenceAnswer(await this.models.infer(request, signal), message.id);
  }

  private messageOf(error: unknown): string {
    if (error instanceof TrikdError) return error.message;
    this.log.error({ err: error }, 'request failed');
    return 'internal error';
  }
}

/** The W3C trace context of a caller. */
function traceparentIn(metadata: Metadata): string | undefined {
  return metadata.get(TRACEPARENT)[0]?.toString();
}

/** The answer to a request of a stream that failed: its client finds it by the id. */
function failed({ modelName, modelVersion, id }: ModelInferRequest): ModelInferResponse {
  return { modelName, modelVersion, id, parameters: {}, outputs: [], rawOutputContents: [] };
}

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
