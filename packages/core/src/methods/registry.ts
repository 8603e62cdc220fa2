import { z } from 'zod';
import { nameOrSettings } from '../spec/name-or-settings.js';
import { bornAgain } from './born-again.js';
import { ce } from './ce.js';
import { dml } from './dml.js';
import { eskd } from './eskd.js';
import { kd } from './kd.js';
import { labelAnchor } from './label-anchor.js';
import type { Method } from './method.js';
import { onlineKd } from './online-kd.js';
import { sckd } from './sckd.js';
import { takd } from './takd.js';
import { trikd } from './trikd.js';

/** Every method. A new one is a file beside these, and a name here. */
const METHODS = [trikd, ce, kd, onlineKd, dml, eskd, sckd, takd, bornAgain, labelAnchor] as const;

/** Schemas of the knobs, one for each method. */
type KnobsOf<Methods extends readonly Method[]> = { -readonly [Index in keyof Methods]: Methods[Index]['knobs'] };

function knobsOf<Methods extends readonly Method[]>(methods: Methods): KnobsOf<Methods> {
  // `map` forgets that a tuple keeps its length and order.
  return methods.map(({ knobs }) => knobs) as KnobsOf<Methods>;
}

const kindOf = ({ knobs }: Method): string => knobs.shape.kind.value;

/** Names of all methods. */
export const METHOD_KINDS: readonly string[] = METHODS.map(kindOf);

/** A method with its knobs, or its name alone. */
export const MethodSpec = nameOrSettings(
  'method',
  METHODS.map((each) => each.knobs.shape.kind.value),
  z.discriminatedUnion('kind', knobsOf(METHODS)),
);
export type MethodSpec = z.infer<typeof MethodSpec>;

/** The method of a spec with all its knobs. Default: trikd. */
export function chosenMethod(spec: MethodSpec = 'trikd'): {
  readonly method: Method;
  readonly knobs: { readonly kind: string };
} {
  const kind = typeof spec === 'string' ? spec : spec.kind;
  const method: Method | undefined = METHODS.find((each) => kindOf(each) === kind);
  if (!method) throw new TypeError(`there is no method ${kind}`);
  return { method, knobs: method.knobs.parse(typeof spec === 'string' ? { kind } : spec) };
}
