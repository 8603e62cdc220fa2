import { execFile, execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadParams } from '@trikd/core/checkpoint/blobs';
import { imageBytes } from '@trikd/core/data/image-source';
import { bestStage } from '@trikd/core/run/promotion';
import { loadRun } from '@trikd/core/run/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { openJudged } from '@trikd/core/training/judge';
import { openStore } from '@trikd/store/open-store';
import { freePort } from '@trikd/testing/servers/child-server';
import { datasetFor, writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { run, scratch, trikd } from './trikd.js';

const execute = promisify(execFile);
const FETCH = fileURLToPath(new URL('../../scripts/fetch-python-packages.py', import.meta.url));
const CLIENT = fileURLToPath(new URL('triton_client.py', import.meta.url));
const tiny = writtenSpec('two generations');
const spec = RunSpec.parse(tiny);
const dataset = datasetFor(spec);
const images = dataset.test.images.subarray(0, dataset.test.count * imageBytes(dataset));

/** The logits of the result of a run for its test images, by an evaluation in this process. */
async function evaluated(folder: string): Promise<Buffer> {
  const store = await openStore({ kind: 'folder', path: folder }, { verify: 'reads' });
  const { state } = await loadRun(store, tiny.name);
  const stage = bestStage(state.results, spec)!;
  const { params } = state.results.find(({ generation }) => generation === stage)!.learners['student']!.best;
  const judged = await openJudged(spec, dataset, spec.student!.model!, await loadParams(store, params));
  const { logits } = await judged.outputs(images);
  await judged.close();
  return Buffer.from(logits!.buffer);
}

test('tritonclient asks `trikd serve` over gRPC and HTTP, whose answers have the bits of an evaluation; its own line works, and Ctrl-C ends it', async () => {
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
  const expected = (await evaluated(join(runs, tiny.name, 'store'))).toString('base64');
  expect(Object.keys(said.outputs)).toHaveLength(10);
  for (const [how, outputs] of Object.entries(said.outputs)) expect(outputs, how).toBe(expected);

  serving.kill('SIGINT');
  expect(await serving.ended).toMatchObject({ status: 0 });
});
