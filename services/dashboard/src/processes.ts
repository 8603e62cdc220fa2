import { roleName } from '@trikd/events/names';
import type { Role } from '@trikd/protocol/gen/browser/trikd/v1/common';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { coloursIn } from './colours.js';
import { heldBy } from './stages.js';

/** The processes of a trio in one stage, by what they hold in it. */
export interface Processes {
  /** The learner of a trainer; all frozen models of the anchor-server. */
  readonly nameOf: (role: Role) => string;
  /** The class with its colour. */
  readonly colourOf: (role: Role) => string;
}

export function processesIn(run: Run | undefined, generation: number): Processes {
  const colours = coloursIn(run);
  const held = (role: Role) => heldBy(run, generation, roleName(role));
  return {
    nameOf: (role) => held(role).join(', '),
    colourOf: (role) => colours(held(role)[0] ?? roleName(role)),
  };
}
