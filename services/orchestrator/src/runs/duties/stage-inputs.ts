import { readManifest } from '@trikd/core/checkpoint/load-manifest';
import type { Blob } from '@trikd/core/domain/blob';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Preparing, Training } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { inputsOf, type StageInput } from '@trikd/core/stages/inputs';
import type { Stage } from '@trikd/core/stages/stage';

type StageState = Pick<Preparing | Training, 'anchor' | 'results'>;

/** Params by participant. */
export type InputBlobs = Readonly<Record<string, Blob>>;

/**
 * The params that a stage starts from: of its frozen models, and of learners that do not start from fresh ones.
 * @throws TrikdError 'corrupt' when an earlier stage has not left them
 */
export async function stageInputs(
  { spec, store }: { readonly spec: RunSpec; readonly store: ObjectStore },
  stage: Stage,
  todo: StageState,
): Promise<InputBlobs> {
  const blobs = inputsOf(spec, stage).map(async ({ name, from }) => [name, await blobOf(store, from, todo)] as const);
  return Object.fromEntries(await Promise.all(blobs));
}

/** SHA-256 of the params of each frozen model of a stage, by name. */
export function digestsOf(inputs: InputBlobs, { frozen }: Stage): Readonly<Record<string, string>> {
  return Object.fromEntries(frozen.map(({ name }) => [name, inputs[name]?.sha256 ?? '']));
}

async function blobOf(store: ObjectStore, from: StageInput['from'], { anchor, results }: StageState): Promise<Blob> {
  if (from === 'promoted') return required(anchor?.params, 'no student was promoted');
  const { stage, participant, at } = from;
  const result = results[from.index];
  const missing = `stage ${stage} has left no params of ${participant}`;
  if (at === 'best') return required(result?.learners[participant]?.best.params, missing);
  const { learners } = await readManifest(store, required(result, missing).pair.manifestKey);
  return required(learners[participant]?.state, missing);
}

function required<T>(value: T | undefined, missing: string): T {
  if (value === undefined) throw new TrikdError('corrupt', missing);
  return value;
}
