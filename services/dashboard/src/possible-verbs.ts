import { isPhase, type Verb, verbsOf } from '@trikd/core/run/verbs';
import { phaseName } from '@trikd/events/names';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';

/** What the orchestrator accepts for a run now. */
export function possibleVerbs({ phase, failureKind }: Pick<Run, 'phase' | 'failureKind'>): readonly Verb[] {
  const name = phaseName(phase);
  return isPhase(name) ? verbsOf(name, failureKind) : [];
}
