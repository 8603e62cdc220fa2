/** A problem with one field of a request. */
export interface FieldProblem {
  readonly field: string;
  readonly description: string;
}

/** A request that the service refused or that did not reach it. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly fields: readonly FieldProblem[] = [],
  ) {
    super(message);
  }
}

/** Sends a request to /api and resolves with the JSON of the answer. @throws ApiError */
export async function api(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> {
  const init =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  return (await request(path, { method, ...init })).json().catch(() => undefined);
}

/** Reads a file of /api. @throws ApiError */
export async function textOf(path: string): Promise<string> {
  return (await request(path)).text();
}

async function request(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`/api${path}`, init);
  } catch {
    throw new ApiError('the orchestrator does not answer', 0);
  }
  if (response.ok) return response;
  const answer: unknown = await response.json().catch(() => undefined);
  throw new ApiError(textAt(answer, 'error', 'message') ?? response.statusText, response.status, fieldsOf(answer));
}

function fieldsOf(answer: unknown): readonly FieldProblem[] {
  const fields = at(answer, 'error', 'fields');
  if (!Array.isArray(fields)) return [];
  return fields.map((each: unknown) => ({
    field: textAt(each, 'field') ?? '',
    description: textAt(each, 'description') ?? '',
  }));
}

function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

/** The member of a JSON value at a path of names; undefined when there is none. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Object.entries(found).find(([key]) => key === name)?.[1];
  }
  return found;
}

/** A new id of a request: sent twice with the same id, a request is carried out once. */
export function requestId(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
