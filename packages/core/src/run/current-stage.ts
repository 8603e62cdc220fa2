import { TrikdError } from '../domain/errors.js';
import type { RunSpec } from '../spec/run-spec.js';
import { type EndpointRef, originText, type Ref } from '../stages/origin.js';
import type { Stage } from '../stages/stage.js';
import { stageAt } from '../stages/stages-of.js';
import type { Anchor, Facts, RunState } from './state.js';

/** What decides which stage a run is in, and with which frozen models. */
export type Place = Pick<RunState, 'stage' | 'results'> & { readonly anchor?: Anchor };

/** The stage that a run is in, or that it ended in. */
export function currentStage(spec: RunSpec, { stage, results, anchor }: Place): Stage {
  if (anchor) return stageAt(spec, stage, true);
  // A completed run keeps no anchor: whether its last stage had one is known from the scores.
  const scored = results[stage]?.frozen ?? {};
  const { frozen } = stageAt(spec, stage, true);
  return stageAt(
    spec,
    stage,
    frozen.some(({ name, from }) => from === 'promoted' && name in scored),
  );
}

const NAMES = ['datasetDigest', 'classes', 'totalSteps', 'stepsPerEpoch'] as const satisfies readonly (keyof Facts)[];

/**
 * Checks that two processes, or two attempts, derive the same from spec and data.
 * @param sentence says what differs, for the first fact that does
 * @throws TrikdError `invalid`
 */
export function assertSameFacts(
  one: Facts,
  other: Facts,
  sentence: (name: keyof Facts, one: string | number, other: string | number) => string,
): void {
  for (const name of NAMES) {
    if (one[name] !== other[name]) throw new TrikdError('invalid', sentence(name, one[name], other[name]));
  }
}

/** SHA-256 of params from outside of a run, by where they came from. */
export type Imported = Readonly<Record<string, string>>;

/** What a run has imported. @param from where params came from; those of an earlier stage are the run's own */
export function importedFrom(found: readonly (readonly [from: Ref | EndpointRef, sha256: string])[]): Imported {
  return found.reduce<Imported>((all, [from, sha256]) => withImported(all, { [originText(from)]: sha256 }), {});
}

/**
 * What a run has imported by now.
 * @throws TrikdError `invalid` when there is other content now than what the run was trained with
 */
export function withImported(before: Imported = {}, found: Imported = {}): Imported {
  for (const [from, sha256] of Object.entries(found)) {
    const known = Object.hasOwn(before, from) ? before[from] : undefined;
    if (known === undefined || known === sha256) continue;
    throw new TrikdError(
      'invalid',
      `${from} has SHA-256 ${sha256}, but the run was trained with ${known}: put that content back, or start a new run`,
    );
  }
  return { ...before, ...found };
}
