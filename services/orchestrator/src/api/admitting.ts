import { assertAdmitted } from '@trikd/core/spec/admission';
import type { AdmissionLimits } from '@trikd/core/spec/admission-limits';
import type { Orchestrator } from '../orchestrator.js';

/** An orchestrator that creates and continues no run above the limits. Nothing is stored for a refused one. */
export function admitting(orchestrator: Orchestrator, limits: AdmissionLimits): Orchestrator {
  return {
    ...orchestrator,
    create: async (request) => {
      assertAdmitted(request.spec, limits);
      return orchestrator.create(request);
    },
  };
}
