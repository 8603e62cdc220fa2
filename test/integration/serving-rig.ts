import { imageBytes } from '@trikd/core/data/image-source';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { openJudged } from '@trikd/core/training/judge';
import { loadDataset } from '@trikd/model-host/data/load-dataset';
import { createModelServer } from '@trikd/model-host/serving/model-server';
import { ServingConfig } from '@trikd/model-host/serving/serving-config';
import { servingHttp, servingService } from '@trikd/model-host/serving/serving-service';
import { createLogger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import {
  GRPCInferenceServiceClient,
  type ModelInferRequest,
  type ModelInferResponse,
} from '@trikd/protocol/gen/node/inference/inference';
import { NO_TELEMETRY, type Telemetry } from '@trikd/telemetry/telemetry';
import { type EndedStages, storeEndedStages } from '@trikd/testing/runs/served-run';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import type { TokenVerifier } from '@trikd/transport/access/identify';
import { LOOPBACK_ONLY } from '@trikd/transport/access/security';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { type DashboardOptions, serveDashboard } from '@trikd/transport/http/serve-dashboard';
import { createService } from '@trikd/transport/nest/create-service';
import { expect, onTestFinished } from 'vitest';
import type { z } from 'zod';
import { expectOutputs } from './expect-outputs.js';

const log = createLogger({ level: 'silent' }, 'test');

/** Images of 8x8 in 4 classes. */
export const spec = specFor('two stages', { curriculum: { generations: 8 } });
const dataset = datasetFor(spec);
const pixels = imageBytes(dataset);
/** The images of the test split. */
export const images = dataset.test.images.subarray(0, dataset.test.count * pixels);
export const CLASSES = dataset.classes;

/** Rows of the images, as clients send them. */
export const rowsOf = (first: number, rows: number) => images.subarray(first * pixels, (first + rows) * pixels);

export type Learner = 'student' | 'teacher';

/** Logits of all test images, as an evaluation computes them, by learner and stage. */
export type Evaluated = (learner: Learner, stage: number, first: number, rows: number) => Float32Array;

export async function evaluated(run: EndedStages): Promise<Evaluated> {
  const known = new Map<string, Float32Array>();
  for (const learner of ['student', 'teacher'] as const) {
    for (const [stage, params] of run.params[learner].entries()) {
      const judged = await openJudged(spec, dataset, spec[learner]!.model!, params);
      const { logits } = await judged.outputs(images);
      await judged.close();
      known.set(`${learner} ${stage}`, logits!);
    }
  }
  return (learner, stage, first, rows) =>
    known.get(`${learner} ${stage}`)!.slice(first * CLASSES, (first + rows) * CLASSES);
}

export interface ServedOptions {
  readonly store?: ObjectStore;
  readonly config?: Partial<z.input<typeof ServingConfig>>;
  readonly telemetry?: Partial<Telemetry>;
  /** As `ServingParts.everyRequests`. */
  readonly everyRequests?: number;
  readonly tokens?: TokenVerifier;
  /** Folder of the built page. */
  readonly page?: string;
}

/** A server of the models of a run, over gRPC and HTTP, with a client. */
export async function serveModels({
  store = memoryStore(),
  config,
  telemetry,
  everyRequests = 0,
  tokens,
  page,
}: ServedOptions = {}) {
  const end = new AbortController();
  const settings = ServingConfig.parse({
    ...{ runs: [spec.name], listen: '127.0.0.1:0', http: '127.0.0.1:0', maxBatch: 8, poll: 0.02 },
    ...config,
  });
  const own = { log, telemetry: { ...NO_TELEMETRY, ...telemetry } };
  const models = createModelServer({
    ...{ ...own, store, settings, loadDataset: () => loadDataset(spec) },
    ...{ clock: systemClock, random: Math.random, everyRequests },
  });
  const options = {
    ...{ ...own, models, config: settings, security: LOOPBACK_ONLY, shutdown: end.signal },
    ...{ plaintext: 'loopback' as const, ...(tokens && { tokens }), ...(page !== undefined && { page }) },
  };
  const service = await createService({ ...servingService(options), drainSeconds: 1 });
  const http = (await servingHttp(options)!())!;
  const client = openClient(GRPCInferenceServiceClient, service.address);
  const stop = async () => {
    end.abort();
    await Promise.all([models.stop(), service.close(), http.close()]);
  };
  onTestFinished(async () => {
    client.close();
    await stop();
  });
  return { models, client, address: service.address, url: http.url, stop };
}

export type Served = Awaited<ReturnType<typeof serveModels>>;

/** A server of a run whose first stages have ended, ready. */
export async function servedRun(stages: number, options: ServedOptions = {}) {
  const store = options.store ?? memoryStore();
  const run = await storeEndedStages(store, spec, stages);
  const served = await serveModels({ ...options, store });
  await expect.poll(() => served.models.ready(), { timeout: 30_000, interval: 20 }).toBe(true);
  const { properties } = await served.models.metadata(spec.name, '');
  const isExact = properties.exact === 'true';
  const outputs = await evaluated(run);
  return {
    ...{ ...served, run, store, evaluated: outputs },
    /** As {@link expectOutputs}, for logits of some rows. */
    expectEvaluated(found: Float32Array, ...of: Parameters<Evaluated>) {
      expectOutputs(found, outputs(...of), isExact);
    },
  };
}

/** A dashboard without a page, whose RunService is not asked. Returns its URL. */
export async function dashboardOf(options: Partial<DashboardOptions>): Promise<string> {
  const { url, close } = await serveDashboard({
    ...{ listen: '127.0.0.1:0', hosts: [], page: 'none', service: '127.0.0.1:1', log },
    ...options,
  });
  onTestFinished(close);
  return url;
}

/** A request for the outputs of images. */
export function inferRequest(
  first: number,
  rows: number,
  changes: Partial<ModelInferRequest> & { readonly shape?: readonly number[]; readonly datatype?: string } = {},
): ModelInferRequest {
  const { shape = [rows, dataset.height, dataset.width, dataset.channels], datatype = 'UINT8', ...rest } = changes;
  return {
    ...{ modelName: spec.name, modelVersion: '', id: '', parameters: {}, outputs: [] },
    inputs: [{ name: 'images', datatype, shape: [...shape], parameters: {}, contents: undefined }],
    rawInputContents: [Buffer.from(rowsOf(first, rows))],
    ...rest,
  };
}

export function infer({ client }: Pick<Served, 'client'>, request: ModelInferRequest, options = {}) {
  return unary(client.modelInfer.bind(client), request, { what: 'the server', ...options });
}

/** The numbers of the only output. */
export function logitsIn({ rawOutputContents: [bytes] }: ModelInferResponse): Float32Array {
  return new Float32Array(new Uint8Array(bytes!).buffer);
}
