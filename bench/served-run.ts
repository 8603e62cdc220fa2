import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { imageBytes } from '@trikd/core/data/image-source';
import { graphOfRun } from '@trikd/core/export/read-layers';
import { exportFiles } from '@trikd/core/export/write-export';
import type { Params } from '@trikd/core/models/params';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { startService } from '@trikd/process/service-process';
import {
  GRPCInferenceServiceClient,
  type ModelInferRequest,
  type ModelInferResponse,
} from '@trikd/protocol/gen/node/inference/inference';
import { openStore } from '@trikd/store/open-store';
import { type EndedStages, storeEndedStages } from '@trikd/testing/runs/served-run';
import { datasetFor } from '@trikd/testing/specs/spec-for';
import { openClient, unary } from '@trikd/transport/grpc/clients';

/** A server of models that runs in a process of its own. */
export interface ModelProcess {
  readonly infer: (request: ModelInferRequest) => Promise<ModelInferResponse>;
  end(): Promise<void>;
}

/** A stored run whose stages were not trained, and a folder for it. */
export interface BenchRun extends EndedStages {
  readonly spec: RunSpec;
  readonly folder: string;
}

export async function storedRun(spec: RunSpec, stages: number): Promise<BenchRun> {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-bench-serving-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const store = await openStore({ kind: 'folder', path: join(folder, 'store') });
  return { spec, folder, ...(await storeEndedStages(store, spec, stages)) };
}

/** An anchor-server that serves a run, in plain text. @param settings of `serving`, by path */
export async function startServing(
  { spec, folder }: BenchRun,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<ModelProcess> {
  const { ready } = startService('anchor-server', {
    logs: join(folder, 'logs'),
    settings: {
      ...{ 'store.path': join(folder, 'store'), 'serving.runs': [spec.name], 'serving.alone': true },
      ...{ 'serving.listen': '127.0.0.1:0', 'serving.http': '', ...settings },
    },
    env: process.env,
  });
  const { address, terminate, ended } = await ready;
  const client = openClient(GRPCInferenceServiceClient, address);
  const isReady = () => unary(client.serverReady.bind(client), {}, { what: 'the server' });
  while (!(await isReady()).ready) await new Promise((resolve) => setTimeout(resolve, 50));
  return modelProcess(client, async () => {
    terminate();
    await ended;
  });
}

/** ONNX Runtime behind the same protocol, with the student of the first stage. */
export async function startOnnx({ spec, folder, params }: BenchRun, threads: number): Promise<ModelProcess> {
  const file = join(folder, 'model.onnx');
  writeFileSync(file, await onnxOf(spec, params.student[0]!));
  const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const packages = ['tritonclient', 'onnxruntime'].map((name) =>
    execFileSync('python3', [script('../scripts/fetch-python-packages.py'), name], { encoding: 'utf8' }).trim(),
  );
  const child = spawn('python3', [script('onnx_server.py'), file, String(threads)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PYTHONPATH: packages.join(':') },
  });
  const [port] = await once(createInterface({ input: child.stdout }), 'line');
  return modelProcess(openClient(GRPCInferenceServiceClient, `127.0.0.1:${port}`), async () => {
    child.stdin.end();
    await once(child, 'exit');
  });
}

async function onnxOf(spec: RunSpec, params: Params): Promise<Uint8Array> {
  const graph = await graphOfRun(spec, datasetFor(spec), spec.student!.model!, params);
  const files = await exportFiles('onnx', graph, 'float32', { run: spec.name });
  return [...files].find(([name]) => name === 'model.onnx')![1] as Uint8Array;
}

function modelProcess(client: GRPCInferenceServiceClient, stop: () => Promise<void>): ModelProcess {
  return {
    infer: (request) => unary(client.modelInfer.bind(client), request, { what: 'the server', deadlineSeconds: 60 }),
    async end() {
      client.close();
      await stop();
    },
  };
}

/** Requests for images of the test split. */
export function requestsOf(spec: RunSpec) {
  const { height, width, channels, test } = datasetFor(spec);
  const pixels = imageBytes({ height, width, channels });
  const images = test.images.subarray(0, test.count * pixels);
  const request = (first: number, rows: number): ModelInferRequest => ({
    ...{ modelName: spec.name, modelVersion: '', id: '', parameters: {}, outputs: [] },
    inputs: [
      {
        ...{ name: 'images', datatype: 'UINT8', parameters: {}, contents: undefined },
        shape: [rows, height, width, channels],
      },
    ],
    rawInputContents: [Buffer.from(images.subarray(first * pixels, (first + rows) * pixels))],
  });
  return { images, count: test.count, request };
}
