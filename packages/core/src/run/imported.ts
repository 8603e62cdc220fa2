import { TrikdError } from '../domain/errors.js';
import { type EndpointRef, originText, type Ref } from '../stages/origin.js';

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
