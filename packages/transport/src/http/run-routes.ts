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

/** A request to the HTTP API. */
export interface ApiRequest {
  readonly method: string;
  /** Below /api, such as /runs/tiny:pause. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Parsed JSON; undefined without a body. */
  readonly body?: unknown;
}

/** The call of RunService that a request maps to. */
export type Route =
  | { readonly kind: 'call'; readonly rpc: RunRpc; readonly request: object }
  /** `fromEvent` 0: no first event is named. */
  | { readonly kind: 'watch'; readonly runId: string; readonly fromEvent: number }
  /** All stored events, or at least some of the newest, as a file. */
  | { readonly kind: 'history'; readonly runId: string; readonly newestEvents?: number }
  /** A file of tensors, by its key in the store. */
  | { readonly kind: 'blob'; readonly runId: string; readonly key: string }
  | { readonly kind: 'invalid'; readonly field: string; readonly message: string };

const VERBS: Readonly<Record<string, RunRpc>> = {
  pause: 'pauseRun',
  resume: 'resumeRun',
  cancel: 'cancelRun',
  trigger: 'triggerGeneration',
  promote: 'promoteGeneration',
  rollback: 'rollbackAnchor',
  tag: 'tagRun',
};

/**
 * Maps a request to a call of RunService; undefined if there is no such route.
 * @param lastEvent Last-Event-ID, which a browser sends to resume a stream after that event
 */
export function routeOf({ method, path, query, body }: ApiRequest, lastEvent?: string): Route | undefined {
  const fields = typeof body === 'object' && body !== null ? body : {};
  const [, runOfBlob, blob] = /^\/runs\/([^/:]+)\/blobs\/([^/]+\/[^/]+)$/.exec(path) ?? [];
  if (runOfBlob !== undefined) {
    return method === 'GET' ? { kind: 'blob', runId: runOfBlob, key: `runs/${runOfBlob}/blobs/${blob}` } : undefined;
  }
  const [, runId, verb, part] = /^\/runs(?:\/([^/:]+)(?::([a-z]+)|\/(events|history|checkpoints))?)?$/.exec(path) ?? [];
  if (part !== undefined && runId !== undefined) {
    if (method !== 'GET') return undefined;
    if (part === 'checkpoints') return { kind: 'call', rpc: 'listCheckpoints', request: { runId } };
    if (part === 'history') return historyOf(runId, query.get('newest'));
    const fromEvent = firstWanted(query, lastEvent);
    return fromEvent === undefined ? notWhole('from') : { kind: 'watch', runId, fromEvent };
  }
  if (path === '/caller') return method === 'GET' ? { kind: 'call', rpc: 'getCaller', request: {} } : undefined;
  const rpc = rpcOf(method, path, runId, verb);
  if (!rpc) return undefined;
  if (rpc === 'listRuns') {
    const request = listOf(query);
    return request ? { kind: 'call', rpc, request } : notWhole('pageSize');
  }
  return { kind: 'call', rpc, request: runId === undefined ? fields : { ...fields, runId } };
}

function rpcOf(method: string, path: string, runId: string | undefined, verb: string | undefined): RunRpc | undefined {
  if (verb !== undefined) return method === 'POST' && Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (runId !== undefined) return method === 'GET' ? 'getRun' : method === 'DELETE' ? 'deleteRun' : undefined;
  if (path !== '/runs') return undefined;
  return method === 'GET' ? 'listRuns' : method === 'POST' ? 'createRun' : undefined;
}

/** Undefined if the query names a first event that is not a number. */
function firstWanted(query: URLSearchParams, lastEvent: string | undefined): number | undefined {
  const last = wholeNumber(lastEvent);
  if (last !== undefined) return last + 1;
  return wholeNumber(query.get('from') ?? '0');
}

/** @param newest how many of the newest events are wanted; null: all */
function historyOf(runId: string, newest: string | null): Route {
  if (newest === null) return { kind: 'history', runId };
  const newestEvents = wholeNumber(newest);
  if (!newestEvents || newestEvents > LARGEST_UINT32) return notWhole('newest');
  return { kind: 'history', runId, newestEvents };
}

function listOf(query: URLSearchParams): object | undefined {
  const pageSize = wholeNumber(query.get('pageSize') ?? '0');
  if (pageSize === undefined || pageSize > LARGEST_UINT32) return undefined;
  const view = query.get('view');
  return {
    ...{ pageSize, pageToken: query.get('pageToken') ?? '', phases: query.getAll('phase') },
    ...(view !== null && { view }),
  };
}

const LARGEST_UINT32 = 2 ** 32 - 1;

/** Undefined if it is none, or one that cannot be represented. */
function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  return Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}

function notWhole(field: string): Route {
  return { kind: 'invalid', field, message: `${field} must be a whole number` };
}

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
type RunRpc = keyof typeof RUN_RPCS;
