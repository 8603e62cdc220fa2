import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Behaviour, type ModelServer, startModelServer } from '@trikd/testing/servers/model-server';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { expect, onTestFinished, test } from 'vitest';
import { casesOf } from './cases.js';
import { reference, resultOf } from './outcome.js';
import { expectNoProcess, processesOf } from './processes.js';
import { run, scratch, startRun } from './trikd.js';

const CHANNELS = 1;
const CLASSES = 4;

/** No answer can be had a second time. */
const SHIFT = { shift: 1 / 64 };

async function served(behaviour: Behaviour): Promise<ModelServer> {
  const server = await startModelServer(CHANNELS, CLASSES);
  onTestFinished(() => server.kill());
  await server.behave({ ...SHIFT, ...behaviour });
  return server;
}

/** A stage of 48 steps with a pair every 8, taught by a model of another server. */
const taughtBy = (server: ModelServer): WrittenSpec => ({
  name: 'taught',
  data: { kind: 'synthetic', classes: CLASSES, noise: 24 },
  batchSize: 32,
  epochs: 6,
  warmupSteps: 4,
  augment: { crop: 1 },
  checkpoint: { everyEpochs: 1 },
  engine: { threads: 1 },
  method: 'kd',
  student: { model: { kind: 'plain-cnn', channels: [4, 4] } },
  teacher: { from: { endpoint: server.address, model: 'linear' } },
});

/** The same stage in one process, which gets the last answer that was given for each batch: earlier ones never reached a trainer. */
function expected(folder: string, { answers }: ModelServer, spec: WrittenSpec) {
  const file = join(folder, 'answers.json');
  writeFileSync(file, JSON.stringify(Object.fromEntries(answers.map(({ images, logits }) => [images, logits]))));
  return reference(spec, file);
}

test('four processes, all of them killed in the middle, end bit for bit as one that hears the same answers', async () => {
  // It stops in the middle of a page of answers, which is lost.
  const [folder, server] = [scratch(), await served({ answer: 'silence', after: 28 })];
  const spec = taughtBy(server);
  const running = startRun(folder, spec);
  await running.said(({ event, step }) => event === 'committed' && step === 24);
  running.kill('SIGKILL');
  await running.ended;
  for (const { pid } of processesOf(folder)) process.kill(pid, 'SIGKILL');
  await expectNoProcess(folder, 10_000);
  expect(server.answers).toHaveLength(28);
  await server.behave(SHIFT);
  const continued = resultOf(await run(folder, spec));
  expect(continued).toEqual({ phase: 'completed', stages: await expected(folder, server, spec) });
  // Whole pages were kept, and were not asked for again.
  expect(server.answers).toHaveLength(28 + 24);
});

// test/integration/remote-models.test.ts ends the streams of such a model with the reason.
test.each(casesOf([], ['useless']))(
  'a model whose answers become %s ends the run with the reason, and the run goes on when it is mended',
  async () => {
    const [folder, server] = [scratch(), await served({ answer: 'nan', after: 24 })];
    const spec = taughtBy(server);
    const failed = await run(folder, spec);
    expect(resultOf(failed)).toMatchObject({
      phase: 'failed',
      failure: expect.stringMatching(/model linear at .*: the answer is not finite in row 0/),
    });
    await server.behave(SHIFT);
    expect(resultOf(await run(folder, spec))).toEqual({
      phase: 'completed',
      stages: await expected(folder, server, spec),
    });
  },
);
