import { TrikdError } from '@trikd/core/domain/errors';
import { LONGEST_REQUEST_ID } from '@trikd/core/run/run-store';
import type { RunState } from '@trikd/core/run/state';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { runPhaseOf } from '@trikd/protocol/run-phases';

/** Checks of what came over the wire. All throw TrikdError `invalid` that names the field. */

export function toRunId(text: string): string {
  if (RunSpec.unwrap().shape.name.safeParse(text).success) return text;
  const found = text === '' ? 'it is empty' : `it is ${JSON.stringify(text.slice(0, 80))}`;
  throw refused('run_id', `a run id is 1 to 63 lower-case letters, digits and dashes: ${found}`);
}

/** Undefined when the caller names no request. */
export function toRequestId(text: string): string | undefined {
  if (text === '') return undefined;
  if (/^[\x20-\x7e]+$/.test(text) && text.length <= LONGEST_REQUEST_ID) return text;
  throw refused('request_id', `a request id is at most ${LONGEST_REQUEST_ID} printable ASCII characters`);
}

export function toPhases(phases: readonly RunPhase[]): readonly RunState['phase'][] {
  return phases.map((phase) => {
    const known = runPhaseOf(phase);
    if (known) return known;
    throw refused('phases', `phase ${phase} is none of a run`);
  });
}

function refused(field: string, sentence: string): TrikdError {
  return new TrikdError('invalid', sentence, { field });
}
