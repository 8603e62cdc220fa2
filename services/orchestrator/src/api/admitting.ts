import { type Admission, assertAdmitted } from '@trikd/core/spec/admission';
import type { Orchestrator } from '../orchestrator.js';

/** An orchestrator that creates and continues no run that is not admitted. Nothing is stored for a refused one. */
export function admitting(orchestrator: Orchestrator, admission: Admission): Orchestrator {
  return {
    ...orchestrator,
    create: async (request) => {
      assertAdmitted(request.spec, admission);
      return orchestrator.create(request);
    },
  };
}
