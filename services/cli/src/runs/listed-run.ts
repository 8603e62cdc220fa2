import { type ComparedRun, comparedRun } from '@trikd/events/compare-runs';
import type { Run } from '@trikd/protocol/gen/node/trikd/v1/run';
import { runJson } from '../json-messages.js';
import { fieldsOf, type RunField } from './run-fields.js';

/** A run of a list. */
export interface ListedRun {
  readonly run: Run;
  readonly compared: ComparedRun;
  /** What it can be sorted and chosen by. */
  readonly fields: ReadonlyMap<string, RunField>;
}

export function listedRun(run: Run): ListedRun {
  const json = runJson(run);
  return { run, compared: comparedRun(json), fields: fieldsOf(json) };
}
