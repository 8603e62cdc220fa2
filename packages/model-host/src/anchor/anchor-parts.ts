import type { Clock } from '@trikd/core/async/clock';
import type { Dataset } from '@trikd/core/data/split';
import type { Numerics } from '@trikd/core/domain/numerics';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { StageAttempt } from '@trikd/core/domain/position';
import type { Params } from '@trikd/core/models/params';
import type { ModelSpec } from '@trikd/core/models/registry';
import type { OpenEndpoint } from '@trikd/core/remote/ask-model';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { FrozenModel } from '@trikd/core/training/frozen';
import type { Logger } from '@trikd/process/logging';
import type { Telemetry } from '@trikd/telemetry/telemetry';
import type { ReadWeights } from '../weights.js';

/** What an anchor-server is built from. `openFrozen` is a model. */
export interface AnchorParts {
  readonly store: ObjectStore;
  readonly loadDataset: (spec: RunSpec) => Promise<Dataset>;
  readonly openFrozen: (
    spec: RunSpec,
    dataset: Dataset,
    model: ModelSpec,
    params: Params,
    attempt: StageAttempt,
  ) => Promise<FrozenModel>;
  /** Default: models of other servers are refused. */
  readonly openEndpoint?: OpenEndpoint;
  /** Default: it reads no files. */
  readonly readWeights?: ReadWeights;
  readonly clock: Clock;
  /** Uniform on [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** What models with these settings compute with. Default: it is not reported. */
  readonly numerics?: (engine: RunSpec['engine']) => Numerics;
  /** Default: none. */
  readonly telemetry?: Telemetry;
}
