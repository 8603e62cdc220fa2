import { isRunBlob } from '../checkpoint/blobs.js';
import type { Blob } from '../domain/blob.js';
import { TrikdError } from '../domain/errors.js';
import type { GenerationAttempt } from '../domain/position.js';
import type { RoleCheckpoint } from '../domain/role-checkpoint.js';
import { isProducerAddress } from '../exchange/producer-address.js';
import { MOST_REPLICAS } from '../spec/role-spec.js';
import type { RunSpec } from '../spec/run-spec.js';
import { inputsOf } from '../stages/inputs.js';
import { stagesOf } from '../stages/stages-of.js';
import { isScoreOf } from '../tasks/check-score.js';
import { taskOf } from '../tasks/task-of.js';
import type { Assignment, FrozenAssignment } from './assignment.js';

// What an order names must belong to its run. These checks read nothing: an order cannot find out what else is in the store.

/** @throws TrikdError 'invalid' with the first part that is not of the run */
export function assertAssignment({ attempt, spec, resume, init, sources, replicas = [] }: Assignment): void {
  assertOfRun(attempt, spec);
  if (resume) assertCheckpoint(resume, spec);
  if (init) assertBlob(init, spec, 'the initial params', originsOf(spec, attempt));
  if (replicas.length >= MOST_REPLICAS) {
    const message = `an assignment names ${MOST_REPLICAS - 1} further replicas at most, and this one ${replicas.length}`;
    throw new TrikdError('invalid', message);
  }
  for (const address of [...Object.values(sources), ...replicas]) {
    if (isProducerAddress(address)) continue;
    throw new TrikdError('invalid', 'the addresses of an assignment must be host:port, without a scheme');
  }
}

/** @throws TrikdError 'invalid' with the first part that is not of the run */
export function assertFrozenAssignment({ start, spec, params }: FrozenAssignment): void {
  assertOfRun(start, spec);
  const origins = originsOf(spec, start);
  for (const [name, blob] of Object.entries(params)) assertBlob(blob, spec, `the params of the ${name}`, origins);
}

/** The name of a valid spec has no slash, so the keys that are made of it stay in the folder of the run. */
function assertOfRun({ runId }: GenerationAttempt, { name }: RunSpec): void {
  if (runId === name) return;
  throw new TrikdError('invalid', `the position is of run ${runId.slice(0, 63)}, the spec of run ${name}`);
}

function assertCheckpoint({ step, state, best }: RoleCheckpoint, spec: RunSpec): void {
  assertBlob(state, spec, 'the state');
  if (!best) return;
  assertBlob(best.params, spec, 'the best params');
  if (best.step > step) {
    throw new TrikdError('invalid', `best params of step ${best.step} cannot be part of a checkpoint of step ${step}`);
  }
  const task = taskOf(spec);
  for (const score of [best.validation, best.test]) {
    if (!score || isScoreOf(task, score)) continue;
    const expected = `${task.primary.name}, finite numbers, and shares from 0 to 1`;
    throw new TrikdError('invalid', `the score of the best params must have ${expected}`);
  }
}

/** The other runs that the spec takes params from in a stage. */
function originsOf(spec: RunSpec, { generation }: GenerationAttempt): readonly string[] {
  const stage = stagesOf(spec)[generation];
  const refs = stage ? inputsOf(spec, stage).map(({ from }) => from) : [];
  return refs.flatMap((from) => (from !== 'promoted' && from.kind === 'run' ? [from.run] : []));
}

/** @param others runs whose blobs may be named too */
function assertBlob(blob: Blob, { name }: RunSpec, what: string, others: readonly string[] = []): void {
  if ([name, ...others].some((run) => isRunBlob(blob, run))) return;
  throw new TrikdError(
    'invalid',
    `${what} must be a blob that an attempt of run ${[name, ...others].join(' or ')} has stored`,
  );
}
