import { setImmediate as turn } from 'node:timers/promises';
import type { Pauses } from '@trikd/core/async/slices';

/** Pauses in which the process does its other work. */
export const processPauses: Pauses = { now: () => performance.now(), turn };
