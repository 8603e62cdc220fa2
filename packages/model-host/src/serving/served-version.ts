import { createBatcher, type Slice } from '@trikd/core/async/batcher';
import type { Dataset } from '@trikd/core/data/split';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { TrikdError } from '@trikd/core/domain/errors';
import type { RunState } from '@trikd/core/run/state';
import type { ReadImages } from '@trikd/core/serving/read-images';
import type { RunVersion } from '@trikd/core/serving/run-versions';
import { batchSizes, openServed, type Pixels, type ServedOutput } from '@trikd/core/serving/served-model';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { traceServed } from '@trikd/core/training/role-program';
import type { Program } from '@trikd/engine';
import { wallTime } from '@trikd/process/system-clock';
import type { ComputedBatch } from '@trikd/telemetry/request-trace';
import { storedParams } from '../anchor/stored-params.js';
import { MOST_LANES } from './serving-config.js';
import type { ServingParts } from './serving-parts.js';

/** A version of a model, loaded and warm. */
export interface ServedVersion {
  readonly version: RunVersion;
  readonly output: Omit<ServedOutput, 'values'>;
  /** @param signal gives the request up while it waits @throws TrikdError 'exhausted' when too much waits; the reason of the signal */
  compute(images: ReadImages, signal?: AbortSignal): Promise<ComputedImages>;
  /** Rows of the batches that it computes. */
  readonly sizes: readonly number[];
  /** As `ServedModel.singleThreadSizes`. */
  readonly singleThreadSizes: readonly number[];
  /** As `ServedModel.isExact`. */
  readonly isExact: boolean;
  /** Computes what was asked for, then closes the model. */
  close(): Promise<void>;
}

/** The outputs for the images of a request, and the batches in which they were computed. */
export interface ComputedImages {
  readonly output: ServedOutput;
  readonly batches: readonly ComputedBatch[];
}

/** What all versions of a run have in common. */
export interface RunContext {
  readonly spec: RunSpec;
  /** Without images. */
  readonly dataset: Dataset;
  /** Traces a model, or finds the program that was traced for it. */
  readonly programOf: (version: RunVersion) => Promise<Program>;
}

/**
 * Loads a version of a model and warms it up.
 * @param name of the model, for metrics
 * @throws TrikdError 'corrupt', 'invalid' and 'unavailable' for what the store has of it; the reason of the signal
 */
export async function openVersion(
  parts: ServingParts,
  { spec, dataset, programOf }: RunContext,
  version: RunVersion,
  name: string,
  signal: AbortSignal,
): Promise<ServedVersion> {
  const { settings, telemetry, clock } = parts;
  const params = await storedParams(parts, version.params, signal);
  const program = await programOf(version);
  const sizes = batchSizes(settings.maxBatch, spec);
  signal.throwIfAborted();
  const model = await openServed({ program, sizes, spec, shape: dataset, params });
  const of = { 'trikd.model': name };
  const now = wallTime(clock);
  const lane = async (slices: readonly Slice<Pixels>[]): Promise<SliceOutput[]> => {
    const rows = slices.reduce((sum, slice) => sum + slice.rows, 0);
    const started = now();
    const outputs = await model.lane(slices);
    const batch = { rows, started, ended: now() };
    telemetry.record('trikd.inference.batch.size', rows, of);
    telemetry.record('trikd.inference.compute.duration', (batch.ended - started) / 1000, of);
    return outputs.map((output) => ({ output, batch }));
  };
  const batcher = createBatcher<Pixels, SliceOutput>({
    lanes: Array.from({ length: settings.concurrency ?? Math.min(spec.engine.threads, MOST_LANES) }, () => lane),
    maxRows: Math.min(settings.maxBatch, model.sizes.at(-1)!),
    delayMs: 1000 * settings.delay,
    queueRows: settings.queueRows,
    clock,
    waiting: (rows) => telemetry.record('trikd.inference.queue.rows', rows, of),
    waited: (milliseconds) => telemetry.record('trikd.inference.queue.duration', milliseconds / 1000, of),
  });
  let closing = false;
  return {
    version,
    output: model.output,
    sizes: model.sizes,
    singleThreadSizes: model.singleThreadSizes,
    isExact: model.isExact,
    async compute({ pixels, rows }, signal) {
      if (closing) throw new TrikdError('unavailable', `version ${version.stage} of ${name} is being unloaded: retry`);
      const parts = await batcher.compute(pixels, rows, signal);
      return { output: joined(parts.map(({ output }) => output)), batches: parts.map(({ batch }) => batch) };
    },
    async close() {
      closing = true;
      await batcher.idle();
      await model.close();
    },
  };
}

/** The outputs of a slice, and the batch that it was part of. */
interface SliceOutput {
  readonly output: ServedOutput;
  readonly batch: ComputedBatch;
}

function joined(parts: readonly ServedOutput[]): ServedOutput {
  const [first] = parts;
  if (parts.length === 1) return first!;
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at);
    at += part.values.length;
  }
  return { ...first!, values };
}

/** Versions that are loaded when somebody asks for them. */
export interface VersionCache {
  /**
   * Does work with a version, which stays loaded meanwhile.
   * @throws TrikdError 'exhausted' when every loaded version is in use; what `open` and the work throw
   */
  use<T>(key: string, open: () => Promise<ServedVersion>, work: (version: ServedVersion) => Promise<T>): Promise<T>;
  has(key: string): boolean;
  /** Closes all of them when they are no longer in use. */
  close(): Promise<void>;
}

interface Entry {
  readonly opening: Promise<ServedVersion>;
  users: number;
  loaded: boolean;
}

/** @param most versions at once; the least recently used one makes room */
export function createVersionCache(most: number, closed: (error: unknown) => void): VersionCache {
  // The order of the entries is that of their use.
  const entries = new Map<string, Entry>();

  const drop = async (key: string, entry: Entry) => {
    if (entries.get(key) === entry) entries.delete(key);
    await entry.opening.then((version) => version.close()).catch(closed);
  };

  const entryOf = (key: string, open: () => Promise<ServedVersion>): Entry => {
    const known = entries.get(key);
    if (known) {
      entries.delete(key);
      entries.set(key, known);
      return known;
    }
    const room = entries.size < most ? undefined : [...entries].find(([, { users }]) => users === 0);
    if (entries.size >= most) {
      if (!room) {
        throw new TrikdError(
          'exhausted',
          `serving.pinnedVersions allows ${most} versions of a run at once, and all are in use: retry later`,
        );
      }
      void drop(...room);
    }
    const entry: Entry = { opening: open(), users: 0, loaded: false };
    entries.set(key, entry);
    entry.opening.then(
      () => {
        entry.loaded = true;
      },
      () => entries.get(key) === entry && entries.delete(key),
    );
    return entry;
  };

  return {
    async use(key, open, work) {
      const entry = entryOf(key, open);
      entry.users += 1;
      try {
        return await work(await entry.opening);
      } finally {
        entry.users -= 1;
      }
    },
    has: (key) => entries.get(key)?.loaded === true,
    async close() {
      await Promise.all([...entries].map(([key, entry]) => drop(key, entry)));
    },
  };
}

/** Programs that are kept for further versions: a run has a few models. */
const MOST_PROGRAMS = 4;

/**
 * Reads what all versions of a run need. Of its data only the size of the images and their statistics are kept.
 * @throws TrikdError for data that this process does not have, 'invalid' for others than those that the run was trained on
 */
export async function openRunContext(
  { loadDataset, settings }: ServingParts,
  spec: RunSpec,
  state: RunState,
): Promise<RunContext> {
  const dataset = await loadDataset(spec);
  const trained = 'facts' in state ? state.facts?.datasetDigest : undefined;
  if (trained !== undefined && trained !== dataset.digest) {
    const message = `the data of run ${spec.name} are others here (${dataset.digest}) than those it was trained on (${trained})`;
    throw new TrikdError('invalid', message);
  }
  const context = { spec, dataset: withoutImages(dataset) };
  const programs = new Map<string, Program>();
  return {
    ...context,
    async programOf({ model }) {
      const key = canonicalJson(model);
      const known = programs.get(key);
      if (known) return known;
      const program = traceServed(context, model, batchSizes(settings.maxBatch, spec));
      if (programs.size >= MOST_PROGRAMS) programs.delete(programs.keys().next().value!);
      programs.set(key, program);
      return program;
    },
  };
}

function withoutImages(dataset: Dataset): Dataset {
  const none = { count: 0, images: new Uint8Array(), labels: new Uint8Array() };
  return { ...dataset, train: none, validation: none, test: none };
}
