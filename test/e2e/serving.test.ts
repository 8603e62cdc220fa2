import { execFile, execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadParams } from '@trikd/core/checkpoint/blobs';
import { imageBytes } from '@trikd/core/data/image-source';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { bestStage } from '@trikd/core/run/promotion';
import { loadRun } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { openJudged } from '@trikd/core/training/judge';
import { type ServiceName, startService } from '@trikd/process/service-process';
import { GRPCInferenceServiceClient } from '@trikd/protocol/gen/node/inference/inference';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { openStore } from '@trikd/store/open-store';
import { freePort } from '@trikd/testing/servers/child-server';
import { datasetFor, writtenSpec } from '@trikd/testing/specs/spec-for';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { expect, onTestFinished, test } from 'vitest';
import { expectOutputs } from '../integration/expect-outputs.js';
import { reference } from './outcome.js';
import { run, scratch, trikd } from './trikd.js';

const execute = promisify(execFile);
const FETCH = fileURLToPath(new URL('../../scripts/fetch-python-packages.py', import.meta.url));
const CLIENT = fileURLToPath(new URL('triton_client.py', import.meta.url));
const tiny = writtenSpec('two stages');
const spec = RunSpec.parse(tiny);
const dataset = datasetFor(spec);
const images = dataset.test.images.subarray(0, dataset.test.count * imageBytes(dataset));

/** The logits of the result of a run for its test images, by an evaluation in this process. */
async function evaluated(folder: string): Promise<Float32Array> {
  const store = await openStore({ kind: 'folder', path: folder }, { verify: 'reads' });
  const { state } = await loadRun(store, tiny.name);
  const stage = bestStage(state.results, spec)!;
  const { params } = state.results.find(({ stage: stageIndex }) => stageIndex === stage)!.learners['student']!.best;
  const judged = await openJudged(spec, dataset, spec.student!.model!, await loadParams(store, params));
  const { logits } = await judged.outputs(images);
  await judged.close();
  return logits!;
}

test('tritonclient asks `trikd serve` over gRPC and HTTP, whose answers are those of an evaluation; its own line works, and Ctrl-C ends it', async () => {
  const folder = scratch();
  const runs = join(folder, 'runs');
  expect(await run(folder, tiny)).toMatchObject({ status: 0 });
  const [grpc, http] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const serving = trikd(['serve', tiny.name, '--store', runs, '--listen', grpc, '--http', http]);
  const [, echo = '', url = ''] = await serving.drew(/^try +(echo .*) \| curl -s (\S+) -d @-\n/m);
  const body = (await execute('sh', ['-c', echo])).stdout;
  const tried = (await (await fetch(url, { method: 'POST', body })).json()) as object;
  expect(tried).toMatchObject({ model_name: 'tiny', outputs: [{ name: 'logits', shape: [1, dataset.classes] }] });

  const file = join(folder, 'images');
  writeFileSync(file, images);
  const packages = ['tritonclient', 'geventhttpclient'].map((name) =>
    execFileSync('python3', [FETCH, name], { encoding: 'utf8' }).trim(),
  );
  const PYTHONPATH = packages.join(':');
  const args = [CLIENT, grpc, http, tiny.name, file, '8', '8', '1'];
  const said = JSON.parse((await execute('python3', args, { env: { ...process.env, PYTHONPATH } })).stdout);
  const facts = {
    ...{ live: true, ready: true, modelReady: true, server: 'trikd', versions: ['0', '1', 'latest'] },
    index: ['tiny', 'tiny', 'tiny.teacher', 'tiny.teacher'],
  };
  const input = { name: 'images', datatype: 'UINT8' };
  expect(said).toMatchObject({
    grpc: { ...facts, inputs: [{ ...input, shape: ['-1', '8', '8', '1'] }] },
    http: { ...facts, inputs: [{ ...input, shape: [-1, 8, 8, 1] }] },
  });
  const expected = await evaluated(join(runs, tiny.name, 'store'));
  expect(Object.keys(said.outputs)).toHaveLength(10);
  const metadata = await fetch(`http://${http}/v2/models/${tiny.name}`);
  const { properties } = (await metadata.json()) as { readonly properties: Readonly<Record<string, string>> };
  for (const [how, outputs] of Object.entries<string>(said.outputs)) {
    const found = new Float32Array(new Uint8Array(Buffer.from(outputs, 'base64')).buffer);
    expectOutputs(found, expected, properties.exact === 'true', how);
  }

  serving.kill('SIGINT');
  expect(await serving.ended).toMatchObject({ status: 0 });
});

test('requests to an anchor-server that serves models beside a training change no bit of the training', async () => {
  const folder = scratch();
  const store = join(folder, 'store');
  const trained = { ...tiny, epochs: 12, curriculum: { generations: 3 } };
  const start = async (name: ServiceName, settings: Readonly<Record<string, unknown>> = {}) => {
    const all = { 'store.path': store, ...settings };
    const { ready } = startService(name, { logs: join(folder, 'logs'), env: process.env, settings: all });
    const service = await ready;
    onTestFinished(() => service.terminate());
    return service.address;
  };
  const listen = `127.0.0.1:${await freePort()}`;
  const serving = { 'serving.runs': [tiny.name], 'serving.listen': listen, 'serving.http': '', 'serving.poll': 0.05 };
  const [teacher, student, anchor] = await Promise.all([
    start('teacher-trainer'),
    start('student-trainer'),
    start('anchor-server', serving),
  ]);
  const runs = openClient(RunServiceClient, await start('orchestrator', { teacher, student, anchor, events: folder }));
  const models = openClient(GRPCInferenceServiceClient, listen);
  for (const client of [runs, models]) onTestFinished(() => client.close());

  const order = { requestId: '', takeOver: true, placement: undefined, team: '' };
  await unary(
    runs.createRun.bind(runs),
    { ...order, spec: canonicalJson(RunSpec.parse(trained)) },
    { what: 'the orchestrator' },
  );
  const events = runs.watchRun({ runId: tiny.name, fromEvent: 0, pastOnly: false });
  let over = false;
  const ended = (async () => {
    for await (const _ of events) {
      // It ends when the run does.
    }
    over = true;
  })();
  const what = 'the models';
  const isReady = async () => (await unary(models.serverReady.bind(models), {}, { what })).ready;
  await expect.poll(isReady, { timeout: 60_000 }).toBe(true);
  const request = {
    ...{ modelName: tiny.name, modelVersion: '', id: '', parameters: {}, outputs: [] },
    inputs: [{ name: 'images', datatype: 'UINT8', shape: [2, 8, 8, 1], parameters: {}, contents: undefined }],
    rawInputContents: [Buffer.from(images.subarray(0, 2 * imageBytes(dataset)))],
  };
  let answered = 0;
  const ask = async () => {
    while (!over) {
      await unary(models.modelInfer.bind(models), request, { what });
      answered += 1;
    }
  };
  await Promise.all([ended, ...Array.from({ length: 8 }, ask)]);
  expect(answered).toBeGreaterThan(100);
  const { state } = await loadRun(await openStore({ kind: 'folder', path: store }, { verify: 'reads' }), tiny.name);
  expect(state).toMatchObject({ phase: 'completed', results: await reference(trained) });
});
