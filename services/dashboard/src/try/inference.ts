import { at } from '../api.js';

// A client of the Open Inference Protocol, version 2, in JSON over HTTP, on the origin of the page.

/** A version of a model that a server has. */
export interface ModelVersion {
  readonly model: string;
  readonly version: string;
}

/** What a model takes and gives. */
export interface ModelFacts extends ModelVersion {
  /** Of an image. */
  readonly shape: { readonly height: number; readonly width: number; readonly channels: number };
  readonly output: string;
  /** Of each class, where they are known. */
  readonly classes: readonly string[];
  /** Name of the stage that trained it; empty when it is not known. */
  readonly stage: string;
}

/** The output of a model for one image. */
export interface ModelOutput extends ModelVersion {
  readonly values: readonly number[];
  /** From the request to the answer. */
  readonly milliseconds: number;
}

/** A request that was refused, or did not reach the server; its message is for people. */
export class InferenceError extends Error {
  constructor(
    message: string,
    /** Of HTTP; 0: there was no answer. */
    readonly status: number,
  ) {
    super(message);
  }
}

/** All versions of all models. @throws InferenceError */
export async function listModels(): Promise<readonly ModelVersion[]> {
  const index = await ask('POST', '/v2/repository/index', {});
  return listOf(index).flatMap((each) => {
    const [model, version] = [at(each, 'name'), at(each, 'version')];
    return typeof model === 'string' && typeof version === 'string' && version !== '' ? [{ model, version }] : [];
  });
}

/** @param version empty: the current one @throws InferenceError */
export async function factsOf(model: string, version: string): Promise<ModelFacts> {
  const facts = await ask('GET', pathOf(model, version));
  const [, height = 0, width = 0, channels = 0] = listOf(at(facts, 'inputs', '0', 'shape')).map(Number);
  const output = at(facts, 'outputs', '0', 'name');
  if (!(height > 0 && width > 0 && channels > 0) || typeof output !== 'string') {
    throw new InferenceError(`${model} takes no images`, 200);
  }
  const used = at(facts, 'properties', 'version');
  return {
    model,
    version: typeof used === 'string' ? used : version,
    shape: { height, width, channels },
    output,
    classes: classesIn(at(facts, 'properties', 'classes')),
    stage: String(at(facts, 'properties', 'stage') ?? ''),
  };
}

/**
 * The output of a model for an image.
 * @param pixels height x width x channels, 0..255
 * @throws InferenceError; the reason of the signal
 */
export async function infer(
  { model, version }: ModelVersion,
  { height, width, channels }: ModelFacts['shape'],
  pixels: Uint8Array,
  signal: AbortSignal,
): Promise<ModelOutput> {
  const images = { name: 'images', datatype: 'UINT8', shape: [1, height, width, channels], data: [...pixels] };
  const started = performance.now();
  const answer = await ask('POST', `${pathOf(model, version)}/infer`, { inputs: [images] }, signal);
  const milliseconds = performance.now() - started;
  const values = listOf(at(answer, 'outputs', '0', 'data')).map(Number);
  if (values.length === 0 || !values.every(Number.isFinite)) throw new InferenceError(`${model} gave no numbers`, 200);
  return { model, version: String(at(answer, 'model_version') ?? version), values, milliseconds };
}

function pathOf(model: string, version: string): string {
  const name = `/v2/models/${encodeURIComponent(model)}`;
  return version === '' ? name : `${name}/versions/${encodeURIComponent(version)}`;
}

async function ask(method: 'GET' | 'POST', path: string, body?: object, signal?: AbortSignal): Promise<unknown> {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  let response: Response;
  try {
    response = await fetch(path, { method, ...content, ...(signal && { signal }) });
  } catch {
    signal?.throwIfAborted();
    throw new InferenceError('the server does not answer', 0);
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  throw new InferenceError(messageIn(answer) ?? (response.statusText || 'the request failed'), response.status);
}

/** The protocol has the message of an error as a text, the dashboard in an object. */
function messageIn(answer: unknown): string | undefined {
  const error = at(answer, 'error');
  const message = typeof error === 'string' ? error : at(error, 'message');
  return typeof message === 'string' ? message : undefined;
}

function classesIn(text: unknown): readonly string[] {
  if (typeof text !== 'string') return [];
  try {
    return listOf(JSON.parse(text)).map(String);
  } catch {
    return [];
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
