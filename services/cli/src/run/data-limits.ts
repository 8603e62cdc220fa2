import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import { AdmissionLimits, assertAdmitted, ownAdmission } from '@trikd/core/spec/admission';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { loadDataset, ownData } from '@trikd/model-host/data/load-dataset';
import { loadConfig } from '@trikd/process/config';
import { z } from 'zod';
import type { Shell } from '../terminal/shell.js';

/** The data of a run. @throws TrikdError 'invalid' when this machine does not have them: the run itself is there */
export async function datasetOf(spec: RunSpec, env: Shell['env']): Promise<Dataset> {
  try {
    return await loadDataset(spec, ownData(ownLimits(env)));
  } catch (error) {
    if (!(error instanceof TrikdError && error.kind === 'not-found')) throw error;
    throw new TrikdError('invalid', error.message, error.details, { cause: error });
  }
}

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
