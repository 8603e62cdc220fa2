import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import type { ClusterAccess } from './cluster-access.js';

/** A request to the API server. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** A JSON merge patch, if the method is PATCH. */
  readonly body?: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** JSON over HTTPS. */
export interface ApiClient {
  /** @throws TrikdError `unavailable` when there is no answer in time */
  send(request: ApiRequest): Promise<ApiAnswer>;
  /** The lines of an answer that goes on, each as JSON. @throws as `send`; `refusalOf` for an answer that is a refusal */
  stream(request: ApiRequest, signal: AbortSignal): AsyncGenerator<unknown, void>;
  close(): void;
}

/** Seconds for a whole answer, and until one begins that goes on. */
const ANSWER = 15;
/** Bytes of an answer, and of a line of one that goes on, at most. */
const LARGEST_ANSWER = 64 * 1024 * 1024;

export function apiClient({ server, credentials }: ClusterAccess): ApiClient {
  const isSecure = server.protocol === 'https:';
  const options = { keepAlive: true, scheduling: 'lifo' } as const;
  const agent = isSecure ? new HttpsAgent(options) : new HttpAgent(options);

  /** Resolves when the answer begins. */
  async function open({ method, path, query = {}, body }: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(server);
    url.pathname = `${server.pathname.replace(/\/$/, '')}${path}`;
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const { token, ...tls } = credentials();
    const text = body === undefined ? undefined : JSON.stringify(body);
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = {
      accept: 'application/json',
      'user-agent': 'trikd-orchestrator',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(text !== undefined && { 'content-type': type, 'content-length': Buffer.byteLength(text) }),
    };
    const sent = isSecure
      ? httpsRequest(url, { method, headers, agent, signal, ...tls })
      : httpRequest(url, { method, headers, agent, signal });
    sent.end(text);
    // An error after the answer has begun is one of the answer, too.
    return new Promise((resolve, reject) => sent.on('response', resolve).on('error', reject));
  }

  return {
    async send(request) {
      const late = AbortSignal.timeout(1000 * ANSWER);
      try {
        const response = await open(request, late);
        return { status: response.statusCode ?? 0, body: await jsonOf(response) };
      } catch (error) {
        throw unanswered(server, request, late.aborted ? `no answer in ${ANSWER} s` : error);
      }
    },
    async *stream(request, signal) {
      const left = new AbortController();
      const leave = () => left.abort(signal.reason);
      if (signal.aborted) leave();
      signal.addEventListener('abort', leave, { once: true });
      const late = setTimeout(() => left.abort(new Error(`no answer in ${ANSWER} s`)), 1000 * ANSWER);
      try {
        const response = await open(request, left.signal);
        clearTimeout(late);
        if (response.statusCode !== 200)
          throw refusalOf({ status: response.statusCode ?? 0, body: await jsonOf(response) });
        yield* linesOf(response);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof TrikdError) throw error;
        throw unanswered(server, request, left.signal.aborted ? left.signal.reason : error);
      } finally {
        clearTimeout(late);
        signal.removeEventListener('abort', leave);
        left.abort();
      }
    },
    close: () => agent.destroy(),
  };
}

async function jsonOf(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > LARGEST_ANSWER) throw new Error(`the answer has more than ${LARGEST_ANSWER} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  try {
    return JSON.parse(text);
  } catch {
    // As a proxy before the server answers.
    return { message: text.slice(0, 200) };
  }
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<unknown, void> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LARGEST_ANSWER) throw new Error(`a line has more than ${LARGEST_ANSWER} characters`);
    for (const line of lines) if (line !== '') yield JSON.parse(line);
  }
}

/** What an answer other than success means. */
export function refusalOf({ status, body }: ApiAnswer): TrikdError {
  const { message = `status ${status}` } = body instanceof Object ? (body as { readonly message?: string }) : {};
  if (status === 410) return new TrikdError('out-of-step', message);
  if (status === 401) return new TrikdError('unauthenticated', message);
  if (status === 403) return new TrikdError(/exceeded quota/.test(message) ? 'exhausted' : 'forbidden', message);
  if (status === 404) return new TrikdError('not-found', message);
  if (status === 429 || status >= 500 || status < 200) return new TrikdError('unavailable', message);
  return new TrikdError('invalid', message);
}

function unanswered(server: URL, { method, path }: ApiRequest, error: unknown): TrikdError {
  const why = messageOf(error);
  return new TrikdError('unavailable', `${method} ${server.host}${path}: ${why}`, {}, { cause: error });
}
