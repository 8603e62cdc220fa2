import { isPhase, type Verb, verbsOf } from '@trikd/core/run/verbs';
import type { Run } from '@trikd/history/gen/trikd/v1/run';
import { phaseName } from '@trikd/history/words';

/** What the orchestrator accepts for a run now. */
export function possibleVerbs({ phase, failureKind }: Pick<Run, 'phase' | 'failureKind'>): readonly Verb[] {
  const name = phaseName(phase);
  return isPhase(name) ? verbsOf(name, failureKind) : [];
}
