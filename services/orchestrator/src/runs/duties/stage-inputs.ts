import { readManifest } from '@trikd/core/checkpoint/load-manifest';
import type { Blob } from '@trikd/core/domain/blob';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { type Imported, importedFrom } from '@trikd/core/run/imported';
import type { Preparing, Training } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { inputsOf, type StageInput } from '@trikd/core/stages/inputs';
import { originText } from '@trikd/core/stages/origin';
import { isRemote, type Stage } from '@trikd/core/stages/stage';
import { runParams } from './run-params.js';

type StageState = Pick<Preparing | Training, 'anchor' | 'results' | 'imported'>;

/** Params by participant. */
export type InputBlobs = Readonly<Record<string, Blob>>;

/**
 * The params in the store that a stage starts from: of its frozen models, and of learners that do not start from fresh ones. Those of files
 * are read by the services.
 * @throws TrikdError 'corrupt' when an earlier stage has not left them, 'invalid' when another run does not have them
 */
export async function stageInputs(
  { spec, store }: { readonly spec: RunSpec; readonly store: ObjectStore },
  stage: Stage,
  todo: StageState,
): Promise<InputBlobs> {
  const blobs = inputsOf(spec, stage).map(async ({ name, from }) => {
    const blob = await blobOf({ spec, store }, name, from, stage, todo);
    return blob ? [[name, blob] as const] : [];
  });
  return Object.fromEntries((await Promise.all(blobs)).flat());
}

/** SHA-256 of the params of each frozen model of a stage, by name: of the blob, or of the file as the run has recorded it. */
export function digestsOf(
  inputs: InputBlobs,
  { frozen }: Stage,
  { imported = {} }: Pick<StageState, 'imported'>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    frozen.flatMap(({ name, from }) => {
      const recorded = from === 'promoted' ? undefined : imported[originText(from)];
      const sha256 = inputs[name]?.sha256 ?? recorded;
      return sha256 === undefined ? [] : [[name, sha256] as const];
    }),
  );
}

/**
 * SHA-256 of what a stage has from outside of the run.
 * @param files of files that services have read, by participant
 * @throws TrikdError 'invalid' when two services have read different files
 */
export function importedBy(
  { spec }: { readonly spec: RunSpec },
  stage: Stage,
  inputs: InputBlobs,
  files: Readonly<Record<string, string>>,
): Imported {
  return importedFrom(
    inputsOf(spec, stage).flatMap(({ name, from }) => {
      if (from === 'promoted' || from.kind === 'stage') return [];
      const sha256 = inputs[name]?.sha256 ?? files[name];
      return sha256 === undefined ? [] : [[from, sha256] as const];
    }),
  );
}

async function blobOf(
  { spec, store }: { readonly spec: RunSpec; readonly store: ObjectStore },
  name: string,
  from: StageInput['from'],
  { learners, frozen }: Stage,
  { anchor, results }: StageState,
): Promise<Blob | undefined> {
  if (from === 'promoted') return required(anchor?.params, 'no student was promoted');
  switch (from.kind) {
    case 'file':
    case 'endpoint':
      return undefined;
    case 'run': {
      const loaded = frozen.flatMap((each) => (isRemote(each) ? [] : [each]));
      const { model } = required(
        [...learners, ...loaded].find((each) => each.name === name),
        `there is no ${name}`,
      );
      return await runParams(store, from, { runId: spec.name, model });
    }
    case 'stage': {
      const { stage, participant, at } = from;
      const result = results[from.index];
      const missing = `stage ${stage} has left no params of ${participant}`;
      if (at === 'best') return required(result?.learners[participant]?.best.params, missing);
      const manifest = await readManifest(store, required(result, missing).pair.manifestKey);
      return required(manifest.learners[participant]?.state, missing);
    }
  }
}

function required<T>(value: T | undefined, missing: string): T {
  if (value === undefined) throw new TrikdError('corrupt', missing);
  return value;
}
