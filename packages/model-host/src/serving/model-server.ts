import { createSerial } from '@trikd/core/async/serial';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import type { IndexedVersion, InferenceAnswer, InferenceRequest, ModelFacts } from '@trikd/core/serving/inference';
import { inputFacts, readImages } from '@trikd/core/serving/read-images';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { wallTime } from '@trikd/process/system-clock';
import { type ComputedBatch, requestSampler } from '@trikd/telemetry/request-trace';
import { createServedRun, LATEST, type ServedRun } from './served-run.js';
import type { ServingParts } from './serving-parts.js';

/** Answers requests for the outputs of models. */
export interface ModelServer {
  /** Whether the current version of every run is loaded, and the server does not end. */
  ready(): boolean;
  /** @throws TrikdError 'not-found' for a model or a version that is not served */
  modelReady(model: string, version: string): boolean;
  /** @throws TrikdError 'not-found' for a model or a version that is not served, 'unavailable' before its run has a result */
  metadata(model: string, version: string): Promise<ModelFacts>;
  index(): readonly IndexedVersion[];
  /**
   * @param signal gives the request up while it waits
   * @throws TrikdError 'invalid' for what the model does not take, 'not-found' and 'unavailable' as `metadata`, 'exhausted' for a limit;
   * the reason of the signal
   */
  infer(request: InferenceRequest, signal?: AbortSignal): Promise<InferenceAnswer>;
  /** Begins to follow the runs, until it is stopped. Resolves when it is ready. */
  start(): Promise<void>;
  /** Refuses further requests, answers those that wait, and closes the models. */
  stop(): Promise<void>;
}

interface Answered {
  readonly answer: InferenceAnswer;
  readonly batches: readonly ComputedBatch[];
}

export function createModelServer(parts: ServingParts): ModelServer {
  const { settings, clock, telemetry } = parts;
  const over = new AbortController();
  const loads = createSerial();
  const runs = new Map(settings.runs.map((run) => [run, createServedRun(run, parts, loads, over.signal)]));
  const allReady = Promise.withResolvers<void>();
  let following: Promise<unknown> = Promise.resolve();
  let open = 0;

  /** The run of a model, and its learner where the name has one: names of runs have no dots. */
  function found(model: string): { readonly run: ServedRun; readonly learner: string | undefined } {
    const dot = model.indexOf('.');
    const run = runs.get(dot === -1 ? model : model.slice(0, dot));
    if (run) return { run, learner: dot === -1 ? undefined : model.slice(dot + 1) };
    throw new TrikdError(
      'not-found',
      `no model ${model.slice(0, 64)} is served, only those of ${settings.runs.join(', ')}`,
    );
  }

  async function answered({ model, version, ...request }: InferenceRequest, signal?: AbortSignal): Promise<Answered> {
    const { run, learner } = found(model);
    return await run.use(learner, version, async (served, { dataset }) => {
      const { output } = served;
      const images = readImages(
        { model, version, ...request },
        { shape: dataset, output, requestRows: settings.requestRows },
      );
      telemetry.record('trikd.inference.rows', images.rows, { 'trikd.model': model });
      const computed = await served.compute(images, signal);
      const answer = { model, version: String(served.version.stage), rows: images.rows, output: computed.output };
      return { answer, batches: computed.batches };
    });
  }

  const traceOf = requestTracer(parts);
  const isReady = () => !over.signal.aborted && [...runs.values()].every((run) => run.ready());

  async function follow(run: ServedRun): Promise<void> {
    while (!over.signal.aborted) {
      await run.follow();
      if (isReady()) allReady.resolve();
      await clock.sleep(1000 * settings.poll, over.signal).catch(() => undefined);
    }
  }

  return {
    ready: isReady,
    modelReady(model, version) {
      const { run, learner } = found(model);
      try {
        return run.isLoaded(learner, version);
      } catch (error) {
        if (error instanceof TrikdError && error.kind === 'unavailable') return false;
        throw error;
      }
    },
    async metadata(model, version) {
      const { run, learner } = found(model);
      const { all } = run.versions(learner);
      return await run.use(learner, version, async ({ output, version: used, isExact }, { dataset, spec }) => {
        const { classNames } = dataset;
        return {
          model,
          versions: [...all.map(({ stage }) => String(stage)), LATEST],
          inputs: [inputFacts(dataset)],
          outputs: [{ name: output.name, datatype: 'FP32', shape: [-1, output.columns] }],
          properties: {
            run: spec.name,
            version: String(used.stage),
            stage: stagesOf(spec)[used.stage]!.name,
            params: used.params.sha256,
            values: '0 to 255, as UINT8 or FP32: the model normalises them',
            ...(classNames && output.name === 'logits' && { classes: JSON.stringify(classNames) }),
            data: dataset.digest,
            exact: String(isExact),
          },
        };
      });
    },
    index: () => [...runs.values()].flatMap((run) => run.index()),
    async infer(request, signal) {
      if (over.signal.aborted) throw new TrikdError('unavailable', 'shutting down');
      if (open >= settings.requests) {
        throw new TrikdError('exhausted', `serving.requests allows ${settings.requests} requests at once: retry later`);
      }
      open += 1;
      const trace = traceOf(request);
      try {
        const { answer, batches } = await answered(request, signal);
        telemetry.record('trikd.inference.requests', 1, { 'trikd.model': request.model });
        trace?.answered(answer, batches);
        return answer;
      } catch (error) {
        const reason = signal?.aborted ? 'cancelled' : error instanceof TrikdError ? error.kind : 'internal';
        // A name that no model has is not one of a metric: clients make up any number of them.
        const of = reason === 'not-found' ? {} : { 'trikd.model': request.model };
        telemetry.record('trikd.inference.requests', 1, { ...of, 'error.type': reason });
        trace?.failed(reason, error);
        throw error;
      } finally {
        open -= 1;
      }
    },
    start() {
      following = Promise.all([...runs.values()].map(follow));
      return allReady.promise;
    },
    async stop() {
      over.abort(new TrikdError('unavailable', 'shutting down'));
      await following;
      await Promise.all([...runs.values()].map((run) => run.close()));
    },
  };
}

/** Characters of a name that no model may have, at most. */
const LONGEST_NAME = 64;

/** A request that is traced, until it ends. */
export interface OpenTrace {
  answered(answer: InferenceAnswer, batches: readonly ComputedBatch[]): void;
  /** @param type kind of the error */
  failed(type: string, error: unknown): void;
}

/** Begins the traces of requests. @returns undefined for a request that is not traced */
function requestTracer({
  telemetry,
  clock,
  everyRequests = 0,
}: Pick<ServingParts, 'telemetry' | 'clock' | 'everyRequests'>): (request: InferenceRequest) => OpenTrace | undefined {
  const sample = requestSampler(everyRequests);
  const now = wallTime(clock);
  return ({ model, traceparent }) => {
    const sampled = sample(traceparent);
    if (!sampled) return undefined;
    const begun = { ...sampled, model: model.slice(0, LONGEST_NAME), started: now() };
    return {
      answered: ({ version, rows }, batches) =>
        telemetry.request({ ...begun, ended: now(), computed: { version, rows, batches } }),
      failed: (type, error) =>
        telemetry.request({ ...begun, ended: now(), error: { type, message: messageOf(error) } }),
    };
  };
}
