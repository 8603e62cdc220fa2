import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ImageShape } from '@trikd/core/data/image-source';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const fetched = (script: string, ...args: readonly string[]) =>
  execFileSync('python3', [path(`../../scripts/${script}`), ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();

/** The cache, in which the Python package safetensors always is. */
const safetensors = fetched('fetch-safetensors.py');
export const CACHE = join(safetensors, '..');
const makefile = readFileSync(path('../../Makefile'), 'utf8');
const versionIn = (name: string) => makefile.match(new RegExp(`^${name} := (\\S+)$`, 'm'))![1]!;

/** A program that reads exported models, with what it needs. */
interface Consumer {
  readonly python: string;
  readonly env: Readonly<Record<string, string>>;
}

function onnxruntime(): Consumer {
  return { python: 'python3', env: { PYTHONPATH: fetched('fetch-python-packages.py', 'onnxruntime') } };
}

function pytorch(): Consumer | undefined {
  const python = join(CACHE, `pytorch-${versionIn('TORCH_VERSION')}`, 'bin/python');
  return existsSync(python) ? { python, env: { PYTHONPATH: safetensors } } : undefined;
}

function tensorflow(): Consumer | undefined {
  const version = versionIn('TENSORFLOW_VERSION');
  const folders = ['cpu', 'gpu'].map((kind) => join(CACHE, `tensorflow-${kind}-${version}`, 'tensorflow'));
  const folder = folders.find((each) => existsSync(each));
  return folder === undefined ? undefined : { python: 'python3', env: { TENSORFLOW: folder } };
}

const CONSUMERS = { onnx: onnxruntime, pytorch, savedmodel: tensorflow } as const;
export type ConsumedFormat = keyof typeof CONSUMERS;
export const CONSUMED_FORMATS = Object.keys(CONSUMERS) as readonly ConsumedFormat[];

/**
 * Makes the program of a format ready: undefined where it was not fetched. It computes the outputs of exports for images, all in one
 * process, as loading these programs takes seconds.
 * @returns a function of the file of images, of uint8, their shape and the folders of the exports
 */
export function consumerOf(format: ConsumedFormat) {
  const consumer = CONSUMERS[format]();
  if (!consumer) return undefined;
  const { python, env } = consumer;
  return (images: string, { height, width, channels }: ImageShape, folders: readonly string[]) => {
    const words = [format, images, height, width, channels, ...folders].map(String);
    execFileSync(python, [path('exported_models.py'), ...words], {
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', TF_CPP_MIN_LOG_LEVEL: '2', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return folders.map((each) => new Float32Array(new Uint8Array(readFileSync(join(each, 'outputs'))).buffer));
  };
}
