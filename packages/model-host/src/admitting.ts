import { TrikdError } from '@trikd/core/domain/errors';
import { isAllowedProducer } from '@trikd/core/exchange/producer-address';
import { type Admission, assertAdmitted } from '@trikd/core/spec/admission';
import type { Assignment } from '@trikd/core/training/assignment';
import type { AnchorHolder } from './anchor/anchor-holder.js';
import type { Trainer } from './trainer/trainer.js';

// The orchestrator has checked the same when the run was created. Its settings may be others, and so may be the caller.

/**
 * A trainer that takes no assignment that is not admitted: the current attempt goes on.
 * @param peers the addresses that an assignment may name; undefined: any
 */
export function admittingTrainer(trainer: Trainer, admission: Admission, peers?: readonly string[]): Trainer {
  return {
    ...trainer,
    assign: async (assignment) => {
      assertAdmitted(assignment.spec, admission);
      assertPeers(assignment, peers);
      return trainer.assign(assignment);
    },
  };
}

/** An anchor holder that loads no anchor that is not admitted: the current one is still served. */
export function admittingAnchor(anchor: AnchorHolder, admission: Admission): AnchorHolder {
  return {
    ...anchor,
    load: async (assignment) => {
      assertAdmitted(assignment.spec, admission);
      return anchor.load(assignment);
    },
  };
}

function assertPeers({ sources, replicas = [] }: Assignment, peers: readonly string[] | undefined): void {
  if (!peers) return;
  for (const address of [...Object.values(sources), ...replicas]) {
    if (isAllowedProducer(address, peers)) continue;
    throw new TrikdError('forbidden', `${address} is not among the peers of this trainer`);
  }
}
