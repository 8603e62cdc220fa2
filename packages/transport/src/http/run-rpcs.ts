import type { Client, Metadata, MethodDefinition } from '@grpc/grpc-js';
import {
  CancelRunRequest,
  CancelRunResponse,
  CreateRunRequest,
  CreateRunResponse,
  DeleteRunRequest,
  DeleteRunResponse,
  GetCallerRequest,
  GetCallerResponse,
  GetRunRequest,
  GetRunResponse,
  ListCheckpointsRequest,
  ListCheckpointsResponse,
  ListRunsRequest,
  ListRunsResponse,
  PauseRunRequest,
  PauseRunResponse,
  PromoteGenerationRequest,
  PromoteGenerationResponse,
  ResumeRunRequest,
  ResumeRunResponse,
  RollbackAnchorRequest,
  RollbackAnchorResponse,
  RunServiceService,
  TagRunRequest,
  TagRunResponse,
  TriggerGenerationRequest,
  TriggerGenerationResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { httpFailure, Rejection } from './http-failure.js';

/** Calls a unary method with JSON. Rejects with the status of the service. */
export type JsonRpc = (client: Client, request: object, call: JsonCall) => Promise<unknown>;

export interface JsonCall {
  readonly metadata: Metadata;
  /** Milliseconds since 1970. */
  readonly deadline: number;
}

function json<Request, Response>(
  { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
  requests: { fromJSON(object: unknown): Request },
  responses: { toJSON(message: Response): unknown },
): JsonRpc {
  return (client, request, { metadata, deadline }) =>
    new Promise((resolve, reject) => {
      const message = encodable(() => requests.fromJSON(request), requestSerialize);
      const options = { deadline };
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        metadata,
        options,
        (error, answer) => {
          if (error) reject(error);
          else if (answer !== undefined) resolve(responses.toJSON(answer));
        },
      );
    });
}

/** A message that can be sent. @throws Rejection with 400 for a field of the wrong type or range */
function encodable<Request>(make: () => Request, serialize: (message: Request) => Buffer): Request {
  try {
    const message = make();
    serialize(message);
    return message;
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'a field is invalid';
    throw new Rejection(httpFailure(400, 'INVALID_ARGUMENT', `the request is invalid: ${reason}`));
  }
}

/** The unary methods of RunService. */
export const RUN_RPCS = {
  createRun: json(RunServiceService.createRun, CreateRunRequest, CreateRunResponse),
  getCaller: json(RunServiceService.getCaller, GetCallerRequest, GetCallerResponse),
  getRun: json(RunServiceService.getRun, GetRunRequest, GetRunResponse),
  listRuns: json(RunServiceService.listRuns, ListRunsRequest, ListRunsResponse),
  deleteRun: json(RunServiceService.deleteRun, DeleteRunRequest, DeleteRunResponse),
  pauseRun: json(RunServiceService.pauseRun, PauseRunRequest, PauseRunResponse),
  resumeRun: json(RunServiceService.resumeRun, ResumeRunRequest, ResumeRunResponse),
  cancelRun: json(RunServiceService.cancelRun, CancelRunRequest, CancelRunResponse),
  triggerGeneration: json(RunServiceService.triggerGeneration, TriggerGenerationRequest, TriggerGenerationResponse),
  promoteGeneration: json(RunServiceService.promoteGeneration, PromoteGenerationRequest, PromoteGenerationResponse),
  tagRun: json(RunServiceService.tagRun, TagRunRequest, TagRunResponse),
  listCheckpoints: json(RunServiceService.listCheckpoints, ListCheckpointsRequest, ListCheckpointsResponse),
  rollbackAnchor: json(RunServiceService.rollbackAnchor, RollbackAnchorRequest, RollbackAnchorResponse),
} satisfies Readonly<Record<string, JsonRpc>>;
export type RunRpc = keyof typeof RUN_RPCS;
