import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { loadDataset, ownData } from '@trikd/model-host/data/load-dataset';
import { ownLimits } from './own-limits.js';
import type { Shell } from './shell.js';

/** The data of a run. @throws TrikdError 'invalid' when this machine does not have them: the run itself is there */
export async function datasetOf(spec: RunSpec, env: Shell['env']): Promise<Dataset> {
  try {
    return await loadDataset(spec, ownData(ownLimits(env)));
  } catch (error) {
    if (!(error instanceof TrikdError && error.kind === 'not-found')) throw error;
    throw new TrikdError('invalid', error.message, error.details, { cause: error });
  }
}
