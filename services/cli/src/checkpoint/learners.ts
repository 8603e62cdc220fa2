import type { LearnerPart, PairManifest } from '@trikd/core/checkpoint/manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { assertLearners, inOrderOf } from '../participants.js';

/** A learner by name, and its part of a checkpoint. */
export type NamedPart = readonly [name: string, part: LearnerPart];

/**
 * The learners of a checkpoint, in the order of the run.
 * @param checkpoint its name, for an error
 * @param wanted names; empty: all
 * @throws TrikdError 'not-found' for a name that the run or the checkpoint does not have
 */
export function learnersOf(
  spec: RunSpec,
  { learners }: PairManifest,
  checkpoint: string,
  wanted: readonly string[],
): readonly NamedPart[] {
  assertLearners(spec, wanted);
  const names = inOrderOf(spec, Object.keys(learners));
  return (wanted.length > 0 ? wanted : names).map((name) => {
    const part = learners[name];
    if (part) return [name, part];
    const there = names.join(', ');
    throw new TrikdError('not-found', `the checkpoint ${checkpoint} has no learner ${name}; it has ${there}`);
  });
}
