import { TrikdError } from '@trikd/core/domain/errors';
import { assertAdmitted, costsOf, ownAdmission } from '@trikd/core/spec/admission';
import type { AdmissionLimits } from '@trikd/core/spec/admission-limits';
import { isStored } from '@trikd/core/spec/data-spec';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { loadSpec } from '../load-spec.js';
import type { Finding } from './finding.js';

/** Whether a file is the spec of a run within the limits, and what the run needs. */
export function specFinding(file: string, limits: AdmissionLimits): Finding {
  const check = 'spec';
  try {
    const spec = loadSpec(file, []);
    assertAdmitted(spec, ownAdmission(limits));
    return { check, verdict: 'ok', text: needsOf(spec) };
  } catch (error) {
    if (error instanceof TrikdError) return { check, verdict: 'failed', text: error.message };
    throw error;
  }
}

/** `run tiny: student 1240 params, teacher 4660 params; 512 bytes a frame`. Data in files are not read: their size counts with the least. */
function needsOf(spec: RunSpec): string {
  const costs = costsOf(spec);
  const of = (limit: keyof AdmissionLimits) => costs.find((cost) => cost.limit === limit)?.value;
  const least = isStored(spec.data) ? 'at least ' : '';
  const models = costs
    .filter(({ limit }) => limit === 'params')
    .map(({ field, value }) => `${field.replace(/\.model$/, '')} ${least}${value} params`);
  return `run ${spec.name}: ${models.join(', ')}; ${least}${of('frameBytes')} bytes a frame, ${least}${of('datasetImages')} images`;
}
