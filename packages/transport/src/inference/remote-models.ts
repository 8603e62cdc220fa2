import type { Metadata } from '@grpc/grpc-js';
import { traceContext } from '@trikd/core/timing/trace-ids';
import {
  fromInferenceRequest,
  TRACEPARENT,
  toIndex,
  toInferenceAnswer,
  toModelFacts,
} from '@trikd/protocol/convert-inference';
import type { GRPCInferenceServiceClient } from '@trikd/protocol/gen/node/inference/inference';
import type { UnaryMethod } from '../grpc/clients.js';
import type { InferenceSource } from './answer-inference.js';

/** For an answer; the first request for a version waits until it is loaded. */
const ANSWER_SECONDS = 60;

/**
 * The models of a server of this project, asked over gRPC. Errors are those of the server.
 * @param metadata of the calls
 */
export function remoteModels(client: GRPCInferenceServiceClient, metadata: Metadata): InferenceSource {
  const ask = <Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    signal?: AbortSignal,
    traceparent?: string,
  ) =>
    new Promise<Response>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const options = { deadline: Date.now() + 1000 * ANSWER_SECONDS };
      const call = method.call(client, request, tracedBy(metadata, traceparent), options, (error, response) => {
        signal?.removeEventListener('abort', cancel);
        if (error) reject(error);
        else resolve(response);
      });
      const cancel = () => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
    });
  return {
    ready: async () => (await ask(client.serverReady, {})).ready,
    modelReady: async (name, version) => (await ask(client.modelReady, { name, version })).ready,
    metadata: async (name, version) => toModelFacts(await ask(client.modelMetadata, { name, version })),
    index: async () => toIndex(await ask(client.repositoryIndex, { repositoryName: '', ready: false })),
    async infer(request, signal) {
      const message = fromInferenceRequest(request);
      return toInferenceAnswer(await ask(client.modelInfer, message, signal, request.traceparent));
    },
  };
}

function tracedBy(metadata: Metadata, traceparent: string | undefined): Metadata {
  // What is no trace context may have characters that metadata does not take.
  if (traceparent === undefined || !traceContext(traceparent)) return metadata;
  const traced = metadata.clone();
  traced.set(TRACEPARENT, traceparent);
  return traced;
}
