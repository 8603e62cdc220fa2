import type { TrainedRole } from '@trikd/core/domain/role';
import { fromRole } from '@trikd/protocol/convert';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { RUN_PHASES } from '@trikd/protocol/run-phases';
import { numericsText } from '../numerics-text.js';

/** What the events of a run say of its training. */
export interface Training {
  /** In which it had a trio and was not paused. */
  readonly seconds: number;
  /** Of the process that trained the result, in its last attempt. */
  readonly numerics: string;
}

/** The trainer of the result of a run. */
export interface Trainer {
  /** Index of the stage. */
  readonly generation: number;
  readonly role: TrainedRole;
}

/** Phases in which a run works on its trio. */
const WORKING: ReadonlySet<number> = new Set([RUN_PHASES.preparing, RUN_PHASES.training, RUN_PHASES.promoting]);

/** Reads the events of a run from the first one on. Those that are not stored any more do not count. */
export async function trainingIn(
  events: AsyncIterable<Pick<WatchRunResponse, 'event' | 'time' | 'number'>>,
  { generation, role }: Trainer,
): Promise<Training> {
  const wanted = fromRole(role);
  let [milliseconds, since]: [number, number | undefined] = [0, undefined];
  let numerics = 'not reported';
  for await (const { event, time } of events) {
    if (event?.$case !== 'phaseChanged') continue;
    const at = time?.getTime();
    if (since !== undefined && at !== undefined) milliseconds += Math.max(0, at - since);
    since = WORKING.has(event.value.phase) ? at : undefined;
    if (event.value.generation !== generation) continue;
    const own = event.value.numerics.find((each) => each.role === wanted)?.numerics;
    if (own) numerics = numericsText(own);
  }
  return { seconds: milliseconds / 1e3, numerics };
}
