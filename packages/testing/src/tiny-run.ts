import { blobsFolder, loadParams, saveParams } from '@trikd/core/checkpoint/blobs';
import { makeBatch } from '@trikd/core/data/batch';
import { type Dataset, splitDataset } from '@trikd/core/data/split';
import { syntheticSource } from '@trikd/core/data/synthetic';
import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { RunSpec, type TermSpec } from '@trikd/core/spec/run-spec';
import type { TrainerPorts } from '@trikd/core/training/ports';
import type { TrainerEvent } from '@trikd/core/training/trainer-event';
import { memoryStore } from './memory-store.js';
import { virtualClock } from './virtual-clock.js';

const hint = (from: 'anchor' | 'peer', weight: number): TermSpec => ({
  kind: 'distillation',
  from,
  weight,
  temperature: 2,
});

/** All three terms of the triplet. */
export const triplet: readonly TermSpec[] = [{ kind: 'task', weight: 1 }, hint('anchor', 0.5), hint('peer', 0.5)];
export const taskOnly: readonly TermSpec[] = [{ kind: 'task', weight: 1 }];

const data = { kind: 'synthetic', train: 64, validation: 24, test: 20, noise: 32 } as const;
const role = (channels: readonly number[]) => ({ model: { kind: 'plain-cnn', channels }, objective: triplet });

/** A run of 12 steps a generation, 4 an epoch, on images of 8x8 in 4 classes. */
export function tinySpec(changes: Readonly<Record<string, unknown>> = {}): RunSpec {
  return RunSpec.parse({
    name: 'tiny',
    data,
    batchSize: 16,
    epochs: 3,
    warmupSteps: 2,
    student: role([4]),
    teacher: role([4, 4]),
    checkpoint: { everyEpochs: 1 },
    engine: { threads: 1 },
    ...changes,
  });
}

/** A run whose student learns from labels alone, so that it needs nobody. */
export const aloneSpec = (changes: Readonly<Record<string, unknown>> = {}) =>
  tinySpec({ student: { ...role([4]), objective: taskOnly, ...changes } });

export function tinyDataset(spec: RunSpec): Dataset {
  if (spec.data.kind !== 'synthetic') throw new TypeError('the tiny data are synthetic');
  return splitDataset(syntheticSource(spec.data, spec.seed), spec.data, spec.seed);
}

export function memoryBlobs(): Pick<TrainerPorts, 'save' | 'load'> {
  const store = memoryStore();
  const folder = blobsFolder({ runId: 'tiny', generation: 0, attempt: 1 });
  return { save: (params) => saveParams(store, folder, params), load: (blob) => loadParams(store, blob) };
}

/** What a trainer says, and its ports: nobody to hear, nobody listening, no limit, a clock that stands still. */
export function lonePorts(changes: Partial<TrainerPorts> = {}): {
  readonly ports: TrainerPorts;
  readonly events: TrainerEvent[];
} {
  const events: TrainerEvent[] = [];
  const ports: TrainerPorts = {
    ...memoryBlobs(),
    frames: {},
    publish: async () => {},
    limit: { value: Number.POSITIVE_INFINITY, changed: () => new Promise(() => {}) },
    savesAt: () => false,
    emit: (event) => events.push(event),
    clock: virtualClock(),
    signal: new AbortController().signal,
    ...changes,
  };
  return { ports, events };
}

/** Frames of a model that answers 0 to every image. `change` damages them. */
export async function* dullFrames(
  spec: RunSpec,
  dataset: Dataset,
  attempt: GenerationAttempt,
  change: (frame: LogitsFrame) => LogitsFrame = (frame) => frame,
): AsyncGenerator<LogitsFrame, void> {
  const [rows, cols] = [spec.batchSize, dataset.classes];
  for (let step = 0; ; step++) {
    const { digest } = makeBatch(dataset, spec, attempt.generation, step);
    const logits = { rows, cols, data: new Float32Array(rows * cols) };
    yield change({ position: { ...attempt, step }, batchDigest: digest, logits });
  }
}
