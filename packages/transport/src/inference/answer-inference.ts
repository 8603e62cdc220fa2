import type { IncomingMessage, ServerResponse } from 'node:http';
import { TrikdError } from '@trikd/core/domain/errors';
import type { IndexedVersion, InferenceAnswer, InferenceRequest, ModelFacts } from '@trikd/core/serving/inference';
import { fromIndex, fromModelFacts, SERVER, TRACEPARENT } from '@trikd/protocol/convert-inference';
import { httpFailure, Rejection } from '../http/http-failure.js';
import { type BodyBudget, readBytes } from '../http/read-body.js';
import { jsonAnswer, readJsonRequest } from './json-inference.js';

// The HTTP form of the Open Inference Protocol.

/** Models that answer, in this process or in another one. */
export interface InferenceSource {
  /** Whether all of them can be asked. */
  ready(): boolean | Promise<boolean>;
  modelReady(model: string, version: string): boolean | Promise<boolean>;
  metadata(model: string, version: string): Promise<ModelFacts>;
  /** All versions of all models. */
  index(): readonly IndexedVersion[] | Promise<readonly IndexedVersion[]>;
  /** @param signal gives the request up */
  infer(request: InferenceRequest, signal: AbortSignal): Promise<InferenceAnswer>;
}

export interface InferenceParts {
  readonly models: InferenceSource;
  readonly bodies: BodyBudget;
}

/** Of the extension for tensors as bytes. */
const HEADER_LENGTH = 'inference-header-content-length';

/** Paths of routes to the methods of the gRPC form, whose rules are theirs too. */
export const INFERENCE_METHODS: Readonly<Record<InferenceRoute['kind'], string>> = {
  live: 'ServerLive',
  ready: 'ServerReady',
  server: 'ServerMetadata',
  index: 'RepositoryIndex',
  model: 'ModelMetadata',
  'model-ready': 'ModelReady',
  infer: 'ModelInfer',
};

/** Answers a request. @throws an error for `failureOf` if the answer is a failure */
export async function answerInference(
  request: IncomingMessage,
  response: ServerResponse,
  route: InferenceRoute,
  { models, bodies }: InferenceParts,
): Promise<void> {
  switch (route.kind) {
    case 'live':
      return send(response, 200, { live: true });
    case 'ready': {
      const ready = await models.ready();
      return send(response, ready ? 200 : 503, { ready });
    }
    case 'server':
      return send(response, 200, { ...SERVER, extensions: [...SERVER.extensions, 'binary_tensor_data'] });
    case 'index': {
      const readyOnly = await wantsReady(request);
      return send(response, 200, fromIndex(await models.index(), readyOnly).models);
    }
    case 'model':
      return send(response, 200, fromModelFacts(await models.metadata(route.model, route.version)));
    case 'model-ready': {
      const ready = await models.modelReady(route.model, route.version);
      return send(response, ready ? 200 : 503, { name: route.model, ready });
    }
    case 'infer':
      return await infer(request, response, route, { models, bodies });
  }
}

async function infer(
  request: IncomingMessage,
  response: ServerResponse,
  { model, version }: { readonly model: string; readonly version: string },
  { models, bodies }: InferenceParts,
): Promise<void> {
  const { 'content-encoding': encoding = 'identity' } = request.headers;
  if (encoding !== 'identity') {
    const message = `the request is compressed (${encoding.slice(0, 32)}): send it as it is`;
    throw new Rejection(httpFailure(415, 'INVALID_ARGUMENT', message));
  }
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new TrikdError('unavailable', 'the caller has left'));
  });
  const giveBack = bodies.take(request.headers['content-length']);
  try {
    const body = await readBytes(request, bodies.largest);
    if (!body) {
      const message = `a request has at most ${bodies.largest} bytes here`;
      throw new Rejection(httpFailure(413, 'INVALID_ARGUMENT', message));
    }
    const [length] = [request.headers[HEADER_LENGTH]].flat();
    const asked = readJsonRequest(body, length === undefined ? undefined : Number(length), { model, version });
    const [traceparent] = [request.headers[TRACEPARENT]].flat();
    const traced = { ...asked.request, ...(traceparent !== undefined && { traceparent }) };
    const { json, bytes } = jsonAnswer(await models.infer(traced, gone.signal), asked);
    if (bytes) sendBytes(response, Buffer.from(json), bytes);
    else sendText(response, 200, json);
  } finally {
    giveBack();
  }
}

/** Whether the body of a request for the index asks for what is loaded alone. */
async function wantsReady(request: IncomingMessage): Promise<boolean> {
  const text = (await readBytes(request, 1024))?.toString() ?? '';
  try {
    const body: unknown = text === '' ? {} : JSON.parse(text);
    return typeof body === 'object' && body !== null && 'ready' in body && body.ready === true;
  } catch {
    throw new Rejection(httpFailure(400, 'INVALID_ARGUMENT', 'the request is not JSON'));
  }
}

function sendBytes(response: ServerResponse, head: Buffer, bytes: Uint8Array): void {
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    [HEADER_LENGTH]: head.length,
    'content-length': head.length + bytes.length,
    'cache-control': 'no-store',
  });
  response.write(head);
  response.end(bytes);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  sendText(response, status, JSON.stringify(body));
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

/** What a request of the HTTP form asks for. An empty version is the current one. */
type InferenceRoute =
  | { readonly kind: 'server' | 'live' | 'ready' | 'index' }
  | { readonly kind: 'model' | 'model-ready' | 'infer'; readonly model: string; readonly version: string };

const FIXED: Readonly<Record<string, InferenceRoute>> = {
  'GET /v2': { kind: 'server' },
  'GET /v2/': { kind: 'server' },
  'GET /v2/health/live': { kind: 'live' },
  'GET /v2/health/ready': { kind: 'ready' },
  'POST /v2/repository/index': { kind: 'index' },
};

const OF_MODEL = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(ready|infer))?$/;

/** The route of a request; undefined if there is none. @param path without the query */
export function inferenceRoute(method: string, path: string): InferenceRoute | undefined {
  const key = `${method} ${path}`;
  if (Object.hasOwn(FIXED, key)) return FIXED[key];
  const [, model, version, action] = OF_MODEL.exec(path) ?? [];
  if (model === undefined || method !== (action === 'infer' ? 'POST' : 'GET')) return undefined;
  try {
    const named = { model: decodeURIComponent(model), version: decodeURIComponent(version ?? '') };
    return { kind: action === 'infer' ? 'infer' : action === 'ready' ? 'model-ready' : 'model', ...named };
  } catch {
    return undefined;
  }
}
