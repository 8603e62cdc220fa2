import type { Broadcasts } from '../events/broadcasts.js';
import type { Counters } from './counters.js';
import type { RunLog } from './run-log.js';
import type { RunRecords } from './run-records.js';

/** What everything that changes runs shares: leading, driving and steering. */
export interface RunServices {
  readonly records: RunRecords;
  readonly log: RunLog;
  readonly broadcasts: Broadcasts;
  readonly counters: Counters;
}
