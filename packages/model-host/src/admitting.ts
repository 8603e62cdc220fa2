import { TrikdError } from '@trikd/core/domain/errors';
import { isAllowedProducer } from '@trikd/core/exchange/producer-address';
import { assertAdmitted } from '@trikd/core/spec/admission';
import type { AdmissionLimits } from '@trikd/core/spec/admission-limits';
import type { Assignment } from '@trikd/core/training/assignment';
import type { AnchorHolder } from './anchor/anchor-holder.js';
import type { Trainer } from './trainer/trainer.js';

// The orchestrator has checked the same when the run was created. Its limits may be others, and so may be the caller.

/**
 * A trainer that takes no assignment above the limits: the current attempt goes on.
 * @param peers the addresses that an assignment may name; undefined: any
 */
export function admittingTrainer(trainer: Trainer, limits: AdmissionLimits, peers?: readonly string[]): Trainer {
  return {
    ...trainer,
    assign: async (assignment) => {
      assertAdmitted(assignment.spec, limits);
      assertPeers(assignment, peers);
      return trainer.assign(assignment);
    },
  };
}

/** An anchor holder that loads no anchor above the limits: the current one is still served. */
export function admittingAnchor(anchor: AnchorHolder, limits: AdmissionLimits): AnchorHolder {
  return {
    ...anchor,
    load: async (assignment) => {
      assertAdmitted(assignment.spec, limits);
      return anchor.load(assignment);
    },
  };
}

function assertPeers({ peerAddress, anchorAddress }: Assignment, peers: readonly string[] | undefined): void {
  if (!peers) return;
  for (const address of [peerAddress, anchorAddress]) {
    if (address === undefined || isAllowedProducer(address, peers)) continue;
    throw new TrikdError('forbidden', `${address} is not among the peers of this trainer`);
  }
}
