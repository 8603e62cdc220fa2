import type { Clock } from '@trikd/core/async/clock';
import type { Dataset } from '@trikd/core/data/split';
import type { Numerics } from '@trikd/core/domain/numerics';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { TrainedRole } from '@trikd/core/domain/position';
import type { Dial } from '@trikd/core/exchange/subscribe';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { TrainingStart } from '@trikd/core/training/assignment';
import type { TrainerPorts } from '@trikd/core/training/ports';
import type { Logger } from '@trikd/process/logging';
import type { Telemetry } from '@trikd/telemetry/telemetry';
import type { ReadWeights } from '../weights.js';

/** What a trainer is built from. `trainStage` is the model and its training loop. */
export interface TrainerParts {
  readonly role: TrainedRole;
  readonly store: ObjectStore;
  readonly loadDataset: (spec: RunSpec) => Promise<Dataset>;
  /** Default: it reads no files. */
  readonly readWeights?: ReadWeights;
  /** @param replicas host:port of the trainers that compute further replicas; undefined: those of the configuration */
  readonly trainStage: (
    start: TrainingStart,
    dataset: Dataset,
    ports: TrainerPorts,
    replicas: readonly string[] | undefined,
  ) => Promise<void>;
  /** Connects to the models whose frames the trainer consumes. */
  readonly dial: Dial;
  readonly clock: Clock;
  /** Uniform on [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** What models with these settings compute with. Default: it is not reported. */
  readonly numerics?: (engine: RunSpec['engine']) => Numerics;
  /** Default: none. */
  readonly telemetry?: Telemetry;
}
