import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { TrainerEvent } from '@trikd/core/training/ports';
import { traceTrainer } from '@trikd/core/training/role-program';
import { aloneSpec, dullFrames, lonePorts, tinyDataset, tinySpec } from '@trikd/core/training/testing/tiny-run';
import { trainGeneration } from '@trikd/core/training/trainer';
import { Engine } from '@trikd/engine';
import { systemClock } from '@trikd/platform/system-clock';
import { expect, test } from 'vitest';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const MIB = 2 ** 20;

/** What a process holds at one moment, after a collection of garbage. */
interface Holding {
  /** Bytes that JavaScript's objects take. */
  readonly objects: number;
  /** Resident bytes outside of JavaScript's heap: the engine's tensors, graphs and threads. */
  readonly outside: number;
  readonly files: number;
  readonly threads: number;
}

function hold(): Holding {
  collectGarbage();
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  const count = (folder: string) => readdirSync(folder).length;
  return {
    objects: heapUsed,
    // V8 enlarges the heap that it keeps for young objects whenever it likes.
    outside: rss - heapTotal,
    files: count('/proc/self/fd'),
    threads: count('/proc/self/task'),
  };
}

/** By how much a quantity grows from the first sample to the last, along the straight line through all of them. */
function growth(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const rise = values.reduce((sum, value, i) => sum + (i - middle) * value, 0);
  return ((values.length - 1) * rise) / values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
}

/** Refuses samples that show a leak of more than so many bytes from the first to the last. */
function expectSteady(
  samples: readonly Holding[],
  limit: { readonly objects: number; readonly outside: number },
): void {
  expect(growth(samples.map(({ objects }) => objects))).toBeLessThan(limit.objects);
  expect(growth(samples.map(({ outside }) => outside))).toBeLessThan(limit.outside);
  expect(new Set(samples.map(({ files }) => files)).size).toBe(1);
  expect(new Set(samples.map(({ threads }) => threads)).size).toBe(1);
}

test('10,000 steps of a trainer that hears a peer leave memory, files and threads as they were', async () => {
  const rarely = { everyEpochs: 2000 };
  const spec = tinySpec({ batchSize: 64, epochs: 14_000, evaluation: rarely, checkpoint: rarely });
  const dataset = tinyDataset(spec);
  const attempt = { runId: spec.name, generation: 0, attempt: 1 };
  const samples: Holding[] = [];
  const { ports } = lonePorts({
    frames: { peer: dullFrames(spec, dataset, attempt) },
    clock: systemClock,
    emit(event: TrainerEvent) {
      if (event.kind === 'progress' && event.progress.nextStep % 500 === 0) samples.push(hold());
    },
  });
  await trainGeneration({ role: 'student', spec, attempt, startStep: 0 }, dataset, ports);
  expect(samples).toHaveLength(28);
  // The first 4,000 steps fill caches and pools. A step moves 7 KiB of tensors: a sixth of that, left behind, would show.
  expectSteady(samples.slice(8), { objects: MIB, outside: 12 * MIB });
});

test('200 programs traced, loaded, run into and closed leave memory, files and threads as they were', async () => {
  const spec = aloneSpec();
  const dataset = tinyDataset(spec);
  const engine = await Engine.open(spec.engine);
  const samples: Holding[] = [];
  for (let round = 1; round <= 200; round++) {
    const program = traceTrainer({ spec, dataset, generation: round }, 'student', spec.student.objective);
    const session = await engine.load(program);
    const waiting = session.take('logits').catch(() => {});
    await session.close();
    await waiting;
    if (round % 20 === 0) samples.push(hold());
  }
  // A program is 400 KiB of graph and initial values: every third of them, left behind, would show.
  expectSteady(samples.slice(2), { objects: 4 * MIB, outside: 16 * MIB });
});
