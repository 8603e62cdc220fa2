import { createHash } from 'node:crypto';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import { type Duty, flawOf, promotion, type RunTransition } from '@trikd/core/run/advance';
import { currentStage } from '@trikd/core/run/current-stage';
import type { Promoting } from '@trikd/core/run/state';
import { promote } from '@trikd/core/run/stored/anchor-pointer';
import { type PreparePorts, prepare } from './prepare.js';
import type { DutyScope } from './scope.js';
import { type TrainPorts, train } from './train.js';

export interface PerformPorts extends PreparePorts, TrainPorts {
  readonly times: PreparePorts['times'] & TrainPorts['times'];
}

/** Does what a phase of a run demands, and yields what happened. */
export function perform(run: DutyScope, ports: PerformPorts, todo: Duty): AsyncGenerator<RunTransition> {
  switch (todo.phase) {
    case 'preparing':
      return prepare(run, ports, todo);
    case 'training':
      return train(run, ports, todo);
    case 'promoting':
      return judge(run, todo);
  }
}

/**
 * Verifies what the stage came to before anything depends on it, and points to the candidate when it is to be the anchor. An alarm says
 * why a candidate that has learned too little is not promoted.
 */
export async function* judge(
  { spec, store, term, rules, emit }: DutyScope,
  todo: Promoting,
): AsyncGenerator<RunTransition> {
  const { stage, outcome } = todo;
  const { decisive } = currentStage(spec, todo);
  const { step, params } = outcome.learners[decisive]!.best;
  await assertStored(store, params);
  const flaw = flawOf(todo, rules);
  if (flaw !== undefined) {
    emit({ kind: 'alarm', participant: decisive, stage, step, message: `cannot be the anchor: ${flaw}` });
  }
  const promoted = promotion(todo, rules);
  if (promoted) await promote(store, spec.name, promoted, term);
  yield { kind: 'candidate-verified' };
}

/** @throws TrikdError `corrupt` when the candidate is not in the store as it was written */
async function assertStored(store: ObjectStore, { key, sha256, bytes }: Blob): Promise<void> {
  const stored = await store.get(key);
  const found = stored && createHash('sha256').update(stored.bytes).digest('hex');
  if (found === sha256 && stored?.bytes.byteLength === bytes) return;
  const what = stored ? `${stored.bytes.byteLength} bytes with SHA-256 ${found}` : 'nothing';
  const message = `params of the candidate: expected ${bytes} bytes with SHA-256 ${sha256}, found ${what}`;
  throw new TrikdError('corrupt', message);
}
