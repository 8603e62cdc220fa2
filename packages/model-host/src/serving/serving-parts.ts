import type { Clock } from '@trikd/core/async/clock';
import type { Dataset } from '@trikd/core/data/split';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { Logger } from '@trikd/process/logging';
import type { Telemetry } from '@trikd/telemetry/telemetry';
import type { ServingConfig } from './serving-config.js';

/** How models are served. */
export type ServingSettings = Pick<
  ServingConfig,
  'runs' | 'maxBatch' | 'delay' | 'concurrency' | 'requestRows' | 'queueRows' | 'requests' | 'pinnedVersions' | 'poll'
>;

/** What the server of models is built from. */
export interface ServingParts {
  readonly settings: ServingSettings;
  readonly store: ObjectStore;
  /** @throws TrikdError for data that this process does not have, or does not accept */
  readonly loadDataset: (spec: RunSpec) => Promise<Dataset>;
  readonly clock: Clock;
  /** Uniform on [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  /** Of the requests whose callers have no trace, every Nth is traced; 0, the default: none. */
  readonly everyRequests?: number;
}
