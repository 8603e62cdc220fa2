import type { RunRpc } from './run-rpcs.js';

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
  | { readonly kind: 'watch'; readonly runId: string; readonly fromEvent: number };

const VERBS: Readonly<Record<string, RunRpc>> = {
  pause: 'pauseRun',
  resume: 'resumeRun',
  cancel: 'cancelRun',
  trigger: 'triggerGeneration',
  promote: 'promoteGeneration',
  rollback: 'rollbackAnchor',
};

/**
 * Maps a request to a call of RunService; undefined if there is no such route.
 * @param lastEvent Last-Event-ID, which a browser sends to resume a stream after that event
 */
export function routeOf({ method, path, query, body }: ApiRequest, lastEvent?: string): Route | undefined {
  const fields = typeof body === 'object' && body !== null ? body : {};
  const [, runId, verb, events] = /^\/runs(?:\/([^/:]+)(?::([a-z]+)|(\/events))?)?$/.exec(path) ?? [];
  if (events !== undefined && runId !== undefined) {
    return method === 'GET' ? { kind: 'watch', runId, fromEvent: firstWanted(query, lastEvent) } : undefined;
  }
  if (path === '/caller') return method === 'GET' ? { kind: 'call', rpc: 'getCaller', request: {} } : undefined;
  const rpc = rpcOf(method, path, runId, verb);
  if (!rpc) return undefined;
  if (rpc === 'listRuns') return { kind: 'call', rpc, request: listOf(query) };
  return { kind: 'call', rpc, request: runId === undefined ? fields : { ...fields, runId } };
}

function rpcOf(method: string, path: string, runId: string | undefined, verb: string | undefined): RunRpc | undefined {
  if (verb !== undefined) return method === 'POST' && Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (runId !== undefined) return method === 'GET' ? 'getRun' : method === 'DELETE' ? 'deleteRun' : undefined;
  if (path !== '/runs') return undefined;
  return method === 'GET' ? 'listRuns' : method === 'POST' ? 'createRun' : undefined;
}

function firstWanted(query: URLSearchParams, lastEvent: string | undefined): number {
  if (lastEvent !== undefined && /^\d+$/.test(lastEvent)) return Number(lastEvent) + 1;
  const from = query.get('from') ?? '';
  return /^\d+$/.test(from) ? Number(from) : 1;
}

function listOf(query: URLSearchParams): object {
  return {
    pageSize: Number(query.get('pageSize') ?? 0),
    pageToken: query.get('pageToken') ?? '',
    phases: query.getAll('phase'),
  };
}
