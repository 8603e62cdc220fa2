import { createHash } from 'node:crypto';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ModelSpec } from '@trikd/core/models/registry';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { type FileRef, originText } from '@trikd/core/stages/origin';
import { taskOf } from '@trikd/core/tasks/task-of';
import { expectedModel } from '@trikd/core/weights/expected-model';
import type { WeightsFile } from '@trikd/core/weights/file-tensor';
import { type FittedParams, fittedParams } from '@trikd/core/weights/fitted-params';
import { safetensorsFile } from '@trikd/core/weights/safetensors-file';
import { layersManifest, shardsOf, tfjsFile } from '@trikd/core/weights/tfjs-file';
import { contentOf, openRegular } from './data/data-files.js';

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

/** Bytes of a weights file, or of all files of a LayersModel, at most. */
export const MOST_WEIGHTS_BYTES = 2 * 1024 ** 3;

/** Endings of files whose readers run what the file says. */
const PICKLED = ['.pt', '.pth', '.ckpt', '.bin', '.pkl', '.pickle', '.tar'];

/** How files of Python's pickle begin, and archives of them. */
const PICKLE = 0x80;
const ARCHIVE = 'PK\u0003\u0004';
const HDF5 = '\u0089HDF';

/** A file with params, and the SHA-256 of its content, hex. */
export interface ReadFile {
  readonly file: WeightsFile;
  readonly sha256: string;
}

/**
 * Reads a safetensors file, or `model.json` of TensorFlow.js with the files that it names beside it. The digest of the latter is of all of
 * them, one after the other.
 * @param what names the file in messages
 * @throws TrikdError 'not-found', 'unavailable' for a file that cannot be read, 'invalid' for one of another kind, 'corrupt' for a damaged one
 */
export async function readWeightsFile(name: string, what = name): Promise<ReadFile> {
  const path = resolve(name);
  assertKnown(path, what);
  const hash = createHash('sha256');
  const budget = { left: MOST_WEIGHTS_BYTES };
  const read = async (file: string) => {
    const bytes = await content(file, what, budget);
    hash.update(bytes);
    return bytes;
  };
  const first = await read(path);
  assertNoProgram(first, what);
  try {
    const file = extname(path) === '.json' ? await layersModel(first, path, read) : safetensorsFile(first);
    return { file, sha256: hash.digest('hex') };
  } catch (error) {
    if (!(error instanceof TrikdError) || error.kind !== 'corrupt') throw error;
    throw new TrikdError('corrupt', `${what}: ${error.message}`, {}, { cause: error });
  }
}

async function layersModel(
  json: Uint8Array,
  path: string,
  read: (file: string) => Promise<Uint8Array>,
): Promise<WeightsFile> {
  const manifest = layersManifest(json);
  const shards = new Map<string, Uint8Array>();
  for (const name of shardsOf(manifest)) shards.set(name, await read(join(dirname(path), name)));
  return tfjsFile(manifest, shards);
}

async function content(path: string, what: string, budget: { left: number }): Promise<Uint8Array> {
  const opened = await openRegular(path);
  if (!opened) throw new TrikdError('not-found', `${what}: there is no file ${path}`);
  try {
    if (opened.bytes > budget.left) {
      throw new TrikdError(
        'invalid',
        `${what}: ${path} has ${opened.bytes} bytes, at most ${MOST_WEIGHTS_BYTES} are read`,
      );
    }
    budget.left -= opened.bytes;
    return await contentOf(opened);
  } finally {
    await opened.handle.close();
  }
}

function assertKnown(path: string, what: string): void {
  const ending = extname(path).toLowerCase();
  if (PICKLED.includes(ending)) throw pickled(path, what);
  if (['.h5', '.keras', '.hdf5'].includes(ending)) throw keras(what);
  if (ending === '.safetensors' || basename(path) === 'model.json') return;
  throw new TrikdError('invalid', `${what}: expected a file NAME.safetensors, or model.json of TensorFlow.js`);
}

/** A file may have the name of one kind and the content of another. */
function assertNoProgram(bytes: Uint8Array, what: string): void {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('latin1');
  if (bytes[0] === PICKLE || start === ARCHIVE) throw pickled('FILE.pt', what);
  if (start === HDF5) throw keras(what);
}

function pickled(path: string, what: string): TrikdError {
  const name = basename(path);
  const target = `${basename(path, extname(path))}.safetensors`;
  return new TrikdError(
    'invalid',
    `${what} is a pickled file, which would run as a program when it is read; turn it into safetensors: ` +
      `python3 -c "import sys, torch; from safetensors.torch import save_file; ` +
      `state = torch.load(sys.argv[1], weights_only=True); state = state.get('state_dict', state); ` +
      `save_file({name: value.contiguous() for name, value in state.items()}, sys.argv[2])" ${name} ${target}`,
  );
}

function keras(what: string): TrikdError {
  return new TrikdError(
    'invalid',
    `${what} is a file of Keras, which is not read; write a LayersModel of TensorFlow.js, or a safetensors file, from it`,
  );
}
