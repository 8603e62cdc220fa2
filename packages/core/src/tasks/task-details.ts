import type { ClassDetails } from './classification/class-details.js';
import type { PairDetails } from './verification/pair-details.js';

/** Where a model errs on a split. */
export type TaskDetails = ClassDetails | PairDetails;
