import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import type { Position, TrainedRole } from '@trikd/core/domain/position';
import { subscribe } from '@trikd/core/exchange/subscribe';
import { openFrozen } from '@trikd/core/training/frozen';
import { tracePredictor } from '@trikd/core/training/role-program';
import { ANCHOR_SERVICES, anchorModule } from '@trikd/model-host/anchor/anchor.module';
import { createAnchorHolder } from '@trikd/model-host/anchor/anchor-holder';
import { loadDataset, rememberLast } from '@trikd/model-host/data/load-dataset';
import { agreementOf } from '@trikd/model-host/exchange-source';
import { createLogger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { dialProducer } from '@trikd/transport/grpc/exchange-client';
import { createService } from '@trikd/transport/nest/create-service';
import { expect, onTestFinished, test } from 'vitest';
import { expectSteady, type Holding, hold, MIB } from './holding.js';

const ROUNDS = 20;
const SWAPS = 5;
const never = new AbortController().signal;
const spec = specFor('two stages', { epochs: 1000, curriculum: { generations: ROUNDS * SWAPS + 1 } });

test('100 anchors after one another, each with both trainers as consumers, leave memory, files and threads as they were', async () => {
  const startOf = (stage: number): Position => ({ runId: spec.name, stage, attempt: 1, step: 0 });
  const dataset = await loadDataset(spec);
  const store = memoryStore();
  const { variables } = tracePredictor({ spec, dataset }, spec.student!.model);
  const fresh = [...variables.values()].map(
    ({ name, shape, initial }) => [name, { dtype: 'float32', shape, data: initial }] as const,
  );
  const params = await saveParams(store, blobsFolder(startOf(1)), new Map(fresh));
  const log = createLogger({ level: 'silent' }, 'test');
  const parts = { store, loadDataset: rememberLast(loadDataset), openFrozen, clock: systemClock, random: Math.random };
  const anchor = createAnchorHolder({ ...parts, log });
  const { address, close } = await createService({
    module: anchorModule(anchor, never),
    services: ANCHOR_SERVICES,
    listen: '127.0.0.1:0',
    log,
  });
  onTestFinished(async () => {
    await Promise.all([anchor.stop(), close()]);
  });

  const hear = (consumer: TrainedRole, stage: number) =>
    subscribe({
      producer: 'anchor',
      server: 'anchor',
      address,
      consumer,
      from: startOf(stage),
      agreement: agreementOf(spec, dataset),
      secret: SECRET,
      stepTimeoutSeconds: 60,
      signal: never,
      dial: dialProducer,
      clock: systemClock,
      random: Math.random,
    });

  const [loads, answers, samples]: [number[], number[], Holding[]] = [[], [], []];
  for (let stage = 1; stage <= ROUNDS * SWAPS; stage++) {
    const from = performance.now();
    await anchor.load({
      start: startOf(stage),
      term: 1,
      exchangeSecret: SECRET,
      spec,
      params: { anchor: params },
    });
    const loaded = performance.now();
    loads.push(loaded - from);
    const both = [hear('teacher', stage), hear('student', stage)];
    for (let step = 0; step < 20; step++) {
      const [one, other] = await Promise.all(both.map((each) => each.next()));
      if (step === 0) answers.push(performance.now() - loaded);
      expect(one?.value?.position).toEqual({ ...startOf(stage), step });
      expect(one?.value).toEqual(other?.value);
    }
    await Promise.all(both.map((each) => each.return()));
    if (stage % SWAPS !== 0) continue;
    // The connections of the streams close by and by.
    const files = samples[0]?.files;
    await expect.poll(() => files === undefined || hold().files <= files, { timeout: 5000 }).toBe(true);
    samples.push(hold());
  }
  const [load, answer] = [loads, answers].map((times) => times.toSorted((a, b) => a - b)[times.length / 2]?.toFixed(0));
  console.info(
    `an anchor was loaded in ${load} ms, its first frame came ${answer} ms later (medians of ${loads.length})`,
  );
  // An anchor is 400 KiB of graph and params: every fourth of 80, left behind, would show.
  expectSteady(samples.slice(4), { objects: 8 * MIB, outside: 16 * MIB });
});
