import { createBackoff } from '../async/backoff.js';
import type { Clock } from '../async/clock.js';
import type { Batch } from '../data/batch.js';
import { type ImageShape, imageBytes } from '../data/image-source.js';
import { TrikdError } from '../domain/errors.js';
import { type AnsweredTensor, answeredLogits } from './answered-logits.js';
import { type ModelMetadata, type RemoteData, type RemoteForm, remoteForm } from './remote-form.js';
import type { RemoteModel } from './remote-model.js';

/** Images for a model. */
export interface InferenceRequest {
  readonly model: Pick<RemoteModel, 'model' | 'version'>;
  readonly input: string;
  readonly datatype: RemoteForm['datatype'];
  readonly shape: readonly number[];
  /** Little-endian. */
  readonly raw: Uint8Array;
  /** Name of the tensor that is wanted. */
  readonly output: string;
}

/** A call that ends when the signal aborts, or after `seconds`. */
export interface CallOptions {
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/**
 * A server of the Open Inference Protocol. Each function makes one call.
 * @throws TrikdError 'unavailable' or 'exhausted' for what may succeed later, another kind for what will not; the reason of the signal
 */
export interface InferenceServer {
  metadata(model: Pick<RemoteModel, 'model' | 'version'>, options: CallOptions): Promise<ModelMetadata>;
  infer(request: InferenceRequest, options: CallOptions): Promise<readonly AnsweredTensor[]>;
  close(): void;
}

/**
 * Opens a client of the server at an endpoint, as a spec names it.
 * @param answerBytes bytes of the logits of one answer, at most
 * @throws TrikdError 'forbidden' for an endpoint that the service does not ask, 'invalid' for one that it cannot ask safely
 */
export type OpenEndpoint = (endpoint: string, answerBytes: number) => InferenceServer;

/** What is seen of the calls to a server. Nothing depends on it. */
export interface CallWatch {
  /** A request for logits was answered, or failed. Times are those of the clock. */
  called?(step: number, started: number, ended: number, outcome: 'answered' | 'failed'): void;
  /** Why the server does not answer, once for each reason; undefined: it answers again. */
  trouble?(reason: string | undefined): void;
}

export interface AskParts extends CallWatch {
  readonly server: InferenceServer;
  readonly clock: Clock;
  /** Uniform on [0, 1). */
  readonly random: () => number;
  /** Seconds for which a call that may succeed later is made again. */
  readonly patienceSeconds: number;
  readonly signal: AbortSignal;
}

/** Asks a model for the logits of a batch: rows x classes, row-major. */
export type AskModel = (batch: Batch) => Promise<Float32Array>;

/**
 * Reads the metadata of a model, and returns how to ask it. Calls that may succeed later are made again, with pauses.
 * @throws TrikdError 'invalid' for a model that does not fit the data, 'not-found' for one that is not there; 'unavailable' when the
 * server cannot be reached in time. What it returns throws 'wrong-state' for an answer that is not what was asked for.
 */
export async function openAsking(
  model: RemoteModel,
  data: RemoteData,
  normalisation: Normalisation,
  parts: AskParts,
): Promise<AskModel> {
  const what = `model ${model.model} at ${model.endpoint}`;
  const patienceSeconds = Math.min(parts.patienceSeconds, MOST_CONNECT_SECONDS);
  const metadata = await untilAnswered(what, { ...parts, patienceSeconds })((options) =>
    parts.server.metadata(model, options),
  );
  const form = remoteForm(metadata, model, data);
  const persistent = untilAnswered(what, parts);
  const send = sentImages(form, data, normalisation);
  const { rows, input, datatype, output } = form;
  const { height, width, channels, batchSize, classes } = data;
  const shape = form.layout === 'nhwc' ? [rows, height, width, channels] : [rows, channels, height, width];
  const size = rows * imageBytes(data);

  async function askRows(images: Uint8Array, step: number): Promise<Float32Array> {
    const request = { model, input, datatype, shape, output, raw: send(images) };
    const tensors = await persistent(async (options) => {
      const started = parts.clock.now();
      const call = (outcome: 'answered' | 'failed') => parts.called?.(step, started, parts.clock.now(), outcome);
      try {
        const answer = await parts.server.infer(request, options);
        call('answered');
        return answer;
      } catch (error) {
        call('failed');
        throw error;
      }
    });
    try {
      return answeredLogits(tensors, { output, rows, classes });
    } catch (error) {
      throw error instanceof TrikdError ? named(error, what) : error;
    }
  }

  return async ({ images, step }) => {
    if (rows === batchSize) return askRows(images, step);
    const logits = new Float32Array(batchSize * classes);
    for (let first = 0; first < batchSize; first += rows) {
      const at = (first / rows) * size;
      logits.set(await askRows(images.subarray(at, at + size), step), first * classes);
    }
    return logits;
  };
}

/** Patience for the first call, in seconds: an address that is wrong is told soon. */
const MOST_CONNECT_SECONDS = 10;

/** The first pause between two tries, and the longest. */
const PAUSES = { firstMs: 100, maxMs: 5_000 };

/** Makes a call until it succeeds, fails for good, or patience ends. A call may take half of the patience, so that a lost one is repeated. */
function untilAnswered(what: string, { clock, random, patienceSeconds, signal, trouble }: AskParts) {
  let reported: string | undefined;
  const report = (reason: string | undefined) => {
    if (reason === reported) return;
    reported = reason;
    trouble?.(reason);
  };
  return async <T>(call: (options: CallOptions) => Promise<T>): Promise<T> => {
    const backoff = createBackoff({ ...PAUSES, random });
    const end = clock.now() + 1000 * patienceSeconds;
    for (;;) {
      signal.throwIfAborted();
      try {
        const answer = await call({ seconds: patienceSeconds / 2, signal });
        report(undefined);
        return answer;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof TrikdError)) throw error;
        if (error.kind !== 'unavailable' && error.kind !== 'exhausted') throw named(error, what);
        report(error.message);
        const pause = backoff.next();
        if (clock.now() + pause >= end) {
          // Why the connection fails is for the log: others must not learn what is at an address.
          const message = `${what} has not answered for ${patienceSeconds} s; the log of the anchor-server says why`;
          throw new TrikdError('unavailable', message, {}, { cause: error });
        }
        await clock.sleep(pause, signal);
      }
    }
  };
}

function named(error: TrikdError, what: string): TrikdError {
  return new TrikdError(error.kind, `${what}: ${error.message}`, error.details, { cause: error });
}

/** Converts images of a batch to the bytes of a request. */
export type SendImages = (images: Uint8Array) => Uint8Array;

/** How pixels are normalised, by channel: (pixel / 255 - mean) / std. */
interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Values of a pixel. */
const LEVELS = 256;

/**
 * What a model gets: pixels, or float32 little-endian as the models of the run see them, in its layout.
 * @returns for [rows, height, width, channels] of uint8, the bytes of [rows, ...] in the form
 */
export function sentImages(form: RemoteForm, shape: ImageShape, normalisation: Normalisation): SendImages {
  const { channels } = shape;
  const move = form.layout === 'nchw' && channels > 1;
  if (form.datatype === 'UINT8')
    return (images) => (move ? placed(images, new Uint8Array(images.length), shape) : images);
  const values =
    form.pixels === 'normalised'
      ? normalised(normalisation)
      : Float32Array.from({ length: LEVELS * channels }, (_, at) => at % LEVELS);
  return (images) => {
    const sent = new Float32Array(images.length);
    for (const [at, pixel] of images.entries()) sent[at] = values[(at % channels) * LEVELS + pixel]!;
    const all = move ? placed(sent, new Float32Array(sent.length), shape) : sent;
    return new Uint8Array(all.buffer);
  };
}

/** The value of each pixel value in each channel, rounded after each operation as the graphs of the run compute it. */
function normalised({ mean, std }: Normalisation): Float32Array {
  const values = new Float32Array(LEVELS * mean.length);
  for (const [channel, deviation] of std.entries()) {
    const scale = Math.fround(1 / (255 * deviation));
    const shift = Math.fround(-mean[channel]! / deviation);
    for (let pixel = 0; pixel < LEVELS; pixel++) values[channel * LEVELS + pixel] = Math.fround(pixel * scale) + shift;
  }
  return values;
}

/** Moves the channels of each image before its pixels. */
function placed<T extends Uint8Array | Float32Array>(images: T, into: T, { height, width, channels }: ImageShape): T {
  const pixels = height * width;
  const size = pixels * channels;
  for (let first = 0; first < images.length; first += size) {
    for (let at = 0; at < size; at++) {
      into[first + (at % channels) * pixels + Math.floor(at / channels)] = images[first + at]!;
    }
  }
  return into;
}
