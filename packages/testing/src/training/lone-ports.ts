import { blobsFolder, loadParams, saveParams } from '@trikd/core/checkpoint/blobs';
import { makeBatch } from '@trikd/core/data/batch';
import type { Dataset } from '@trikd/core/data/split';
import type { StageAttempt } from '@trikd/core/domain/position';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { TrainerEvent, TrainerPorts } from '@trikd/core/training/ports';
import { virtualClock } from '../clock/virtual-clock.js';
import { memoryStore } from '../stores/memory-store.js';

export function memoryBlobs(): Pick<TrainerPorts, 'save' | 'load'> {
  const store = memoryStore();
  const folder = blobsFolder({ runId: 'tiny', stage: 0, attempt: 1 });
  return { save: (params) => saveParams(store, folder, params), load: (blob) => loadParams(store, blob) };
}

/** The events of a trainer, and ports without peers, consumers or a limit, whose clock stands still. */
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
  attempt: StageAttempt,
  change: (frame: LogitsFrame) => LogitsFrame = (frame) => frame,
): AsyncGenerator<LogitsFrame, void> {
  const [rows, cols] = [spec.batchSize, dataset.classes];
  for (let step = 0; ; step++) {
    const { digest } = makeBatch(dataset, spec, attempt.stage, step);
    const logits = { rows, cols, data: new Float32Array(rows * cols) };
    yield change({ position: { ...attempt, step }, batchDigest: digest, logits });
  }
}
