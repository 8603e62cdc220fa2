import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { ExpectedParams } from '@trikd/core/training/expected-params';
import { loadDataset, ownData } from '@trikd/model-host/data/load-dataset';
import { quietTensorFlow } from '@trikd/process/environment';
import { ownLimits } from '../own-limits.js';
import type { Shell } from '../shell.js';

/** The params that the models of a spec have, by role. */
export type ExpectedByRole = Readonly<Record<TrainedRole, Readonly<Record<'state' | 'best', ExpectedParams>>>>;

/** Traces the models of a spec. Their shapes depend on the data: returns a sentence when this machine does not have them. */
export async function expectedByRole(spec: RunSpec, env: Shell['env']): Promise<ExpectedByRole | string> {
  try {
    const dataset = await loadDataset(spec, ownData(ownLimits(env)));
    quietTensorFlow();
    // TensorFlow takes a second to load, and no other command needs it.
    const { expectedInCheckpoint } = await import('@trikd/core/training/expected-params');
    return {
      student: expectedInCheckpoint(spec, dataset, 'student'),
      teacher: expectedInCheckpoint(spec, dataset, 'teacher'),
    };
  } catch (error) {
    if (error instanceof TrikdError && error.kind === 'not-found') return error.message;
    throw error;
  }
}
