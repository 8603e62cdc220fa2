import { assertAdmitted } from '@trikd/core/spec/admission';
import type { AdmissionLimits } from '@trikd/core/spec/admission-limits';
import type { AnchorHolder } from './anchor/anchor-holder.js';
import type { Trainer } from './trainer/trainer.js';

// The orchestrator has checked the same when the run was created. Its limits may be others, and so may be the caller.

/** A trainer that takes no assignment above the limits: the current attempt goes on. */
export function admittingTrainer(trainer: Trainer, limits: AdmissionLimits): Trainer {
  return {
    ...trainer,
    assign: async (assignment) => {
      assertAdmitted(assignment.spec, limits);
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
