import { TrikdError } from '@trikd/core/domain/errors';
import { assertAdmitted, ownAdmission } from '@trikd/core/spec/admission';
import { AdmissionLimits } from '@trikd/core/spec/admission-limits';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { loadConfig } from '@trikd/process/config';
import { z } from 'zod';
import type { Shell } from './shell.js';

/** The variables that set limits, as services read them. */
const PREFIX = 'TRIKD_ADMISSION__';

const Config = z.strictObject({ admission: AdmissionLimits });

/** The limits of the services that this machine starts. @throws TrikdError 'invalid' for a variable that sets none */
export function ownLimits(env: Shell['env']): AdmissionLimits {
  const own = Object.entries(env).filter(([name]) => name.startsWith(PREFIX));
  return loadConfig(Config, Object.fromEntries(own)).admission;
}

/**
 * Checks a run as the services that this machine starts will, before they are started.
 * @throws TrikdError 'invalid' with every limit that the run is above, and how to raise one
 */
export function assertFitsHere(spec: RunSpec, env: Shell['env']): void {
  try {
    assertAdmitted(spec, ownAdmission(ownLimits(env)));
  } catch (error) {
    if (!(error instanceof TrikdError && 'violations' in error.details)) throw error;
    const hint = `, here with a variable such as ${PREFIX}PARAMS`;
    throw new TrikdError(error.kind, error.message + hint, error.details, { cause: error });
  }
}
