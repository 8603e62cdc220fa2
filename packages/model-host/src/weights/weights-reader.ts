import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ModelSpec } from '@trikd/core/models/registry';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { FileRef } from '@trikd/core/stages/origin';
import { originText } from '@trikd/core/stages/origin';
import { taskOf } from '@trikd/core/tasks/task-of';
import { expectedModel } from '@trikd/core/weights/expected-model';
import { type FittedParams, fittedParams } from '@trikd/core/weights/fitted-params';
import { readWeightsFile } from './weights-file.js';

/** Params from a file, and what it had. */
export interface WeightsRead extends FittedParams {
  /** SHA-256 of its content, hex. */
  readonly sha256: string;
}

/** Whose params are read. */
export interface WeightsContext {
  readonly spec: RunSpec;
  readonly dataset: Pick<Dataset, 'height' | 'width' | 'channels' | 'classes'>;
  readonly model: ModelSpec;
}

/**
 * Reads the params of a model from a file.
 * @throws TrikdError 'not-found', 'unavailable' for a file that cannot be read, 'invalid' for one of another kind, of other content than the
 * spec pins, or of another network, 'corrupt' for a damaged one
 */
export type ReadWeights = (from: FileRef, context: WeightsContext) => Promise<WeightsRead>;

/** Registered weights files, by name. */
export type RegisteredWeights = Readonly<Record<string, { readonly file: string }>>;

/** Reads files of this machine. Which of them a run may name is for the admission to decide. */
export function weightsReader(registered: RegisteredWeights = {}): ReadWeights {
  return async (from, { spec, dataset, model }) => {
    const what = originText(from);
    const { file, sha256 } = await readWeightsFile(pathOf(from, registered), what);
    if (from.sha256 !== undefined && from.sha256 !== sha256) {
      throw new TrikdError('invalid', `${what} has SHA-256 ${sha256}, the spec wants ${from.sha256}`, { sha256 });
    }
    const expected = expectedModel(model, dataset, taskOf(spec).head(dataset));
    return { ...fittedParams(file, expected, { format: from.format, head: from.head, what }), sha256 };
  };
}

function pathOf({ file, isRegistered }: FileRef, registered: RegisteredWeights): string {
  if (!isRegistered) return file;
  // Names of what every object has, such as `constructor`, are none of a file.
  const known = Object.hasOwn(registered, file) ? registered[file] : undefined;
  if (known) return known.file;
  const names = Object.keys(registered).join(', ') || 'none';
  throw new TrikdError('not-found', `no weights are registered as ${file}, only ${names}`);
}

/** For a service that reads no files. */
export const readNoWeights: ReadWeights = async (from) => {
  throw new TrikdError('invalid', `${originText(from)}: this service reads no weights files`);
};
