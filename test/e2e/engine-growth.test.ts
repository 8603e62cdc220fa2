import { learnerOf } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import type { TrainerEvent } from '@trikd/core/training/ports';
import { traceTrainer } from '@trikd/core/training/role-program';
import { trainStage } from '@trikd/core/training/trainer';
import { Engine } from '@trikd/engine';
import { systemClock } from '@trikd/process/system-clock';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { dullFrames, lonePorts } from '@trikd/testing/training/lone-ports';
import { expect, test } from 'vitest';
import { casesOf } from './cases.js';
import { expectSteady, type Holding, hold, MIB } from './holding.js';

// `make soak` trains for two hours, in all services.
test.each(casesOf([], ['10,000 steps']))(
  '%s of a trainer with a peer leave memory, files and threads as they were',
  async () => {
    const rarely = { everyEpochs: 2000 };
    const spec = specFor('tiny', { batchSize: 64, epochs: 14_000, evaluation: rarely, checkpoint: rarely });
    const dataset = datasetFor(spec);
    const stage = stageAt(spec, 0, false);
    const attempt = { runId: spec.name, stage: 0, attempt: 1 };
    const samples: Holding[] = [];
    const { ports } = lonePorts({
      frames: { teacher: dullFrames(spec, dataset, attempt) },
      clock: systemClock,
      emit(event: TrainerEvent) {
        if (event.kind === 'progress' && event.progress.nextStep % 500 === 0) samples.push(hold());
      },
    });
    await trainStage({ role: 'student', spec, stage, attempt, startStep: 0 }, dataset, ports);
    expect(samples).toHaveLength(28);
    // The first 4,000 steps fill caches and pools. A step moves 7 KiB of tensors: a sixth of that, left behind, would show.
    expectSteady(samples.slice(8), { objects: MIB, outside: 12 * MIB });
  },
);

test('200 programs traced, loaded, run into and closed leave memory, files and threads as they were', async () => {
  const spec = specFor('tiny, student alone');
  const stage = stageAt(spec, 0, false);
  const dataset = datasetFor(spec);
  const engine = await Engine.open(spec.engine);
  const samples: Holding[] = [];
  for (let round = 1; round <= 200; round++) {
    const program = traceTrainer({ spec, dataset }, stage, learnerOf(stage, 'student'));
    const session = await engine.load(program);
    const waiting = session.take('logits').catch(() => {});
    await session.close();
    await waiting;
    if (round % 20 === 0) samples.push(hold());
  }
  // A program is 400 KiB of graph and initial values: every third of them, left behind, would show.
  expectSteady(samples.slice(2), { objects: 4 * MIB, outside: 16 * MIB });
});
