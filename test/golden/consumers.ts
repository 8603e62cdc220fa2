import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeSafetensors, encodeSafetensors } from '@trikd/core/checkpoint/safetensors';
import type { ImageShape } from '@trikd/core/data/image-source';
import type { HostTensor } from '@trikd/core/models/params';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const fetched = (script: string, ...args: readonly string[]) =>
  execFileSync('python3', [path(`../../scripts/${script}`), ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();

/** Computes the outputs of exports, each in a folder, for a file of images, of uint8, with their shape. */
type Run = (images: string, shape: ImageShape, folders: readonly string[]) => Float32Array[];

function onnxruntime(): Run {
  return running('onnx', 'python3', { PYTHONPATH: fetched('fetch-python-packages.py', 'onnxruntime') });
}

/**
 * PyTorch itself takes 6 GB. `make pytorch` runs it and records its outputs with a digest of what it read; otherwise the same files must
 * have the same digest, and have these outputs.
 */
function pytorch(): Run {
  const python = process.env['PYTORCH'];
  if (python === undefined) return recordedOutputs;
  const run = running('pytorch', python, { PYTHONPATH: fetched('fetch-safetensors.py') });
  return (images, shape, folders) => {
    const outputs = run(images, shape, folders);
    const before = existsSync(RECORD) ? decodeSafetensors(bytesIn(RECORD)).params : new Map<string, HostTensor>();
    const added = outputs.map((data, index): [string, HostTensor] => {
      return [digestOf(images, folders[index]!), { dtype: 'float32', shape: [data.length], data }];
    });
    const sorted = [...before, ...added].sort(([a], [b]) => (a < b ? -1 : 1));
    writeFileSync(RECORD, encodeSafetensors(new Map(sorted)));
    return outputs;
  };
}

const RECORD = path('exported_models.safetensors');

const recordedOutputs: Run = (images, _, folders) => {
  const recorded = decodeSafetensors(bytesIn(RECORD)).params;
  return folders.map((folder) => {
    const outputs = recorded.get(digestOf(images, folder));
    if (!outputs) throw new Error('PyTorch has not run this export: `make pytorch` runs it, and records its outputs');
    return Float32Array.from(outputs.data);
  });
};

/** Of the images and of all that an export for PyTorch is made of. */
function digestOf(images: string, folder: string): string {
  const hash = createHash('sha256');
  for (const file of [images, join(folder, 'model.py'), join(folder, 'model.safetensors')]) {
    hash.update(createHash('sha256').update(readFileSync(file)).digest());
  }
  return hash.digest('hex');
}

const bytesIn = (file: string) => new Uint8Array(readFileSync(file));

/** Whichever TensorFlow the engine is linked to. */
function tensorflow(): Run {
  const linked = readFileSync(path('../../packages/engine/build/tensorflow'), 'utf8').trim().split(' ')[1]!;
  return running('savedmodel', 'python3', { TENSORFLOW: join(linked, 'tensorflow') });
}

const CONSUMERS = { onnx: onnxruntime, pytorch, savedmodel: tensorflow } as const;
export type ConsumedFormat = keyof typeof CONSUMERS;
export const CONSUMED_FORMATS = Object.keys(CONSUMERS) as readonly ConsumedFormat[];

/** Makes the program of a format ready. */
export const consumerOf = (format: ConsumedFormat): Run => CONSUMERS[format]();

/** All exports in one process, as loading these programs takes seconds. */
function running(format: ConsumedFormat, python: string, env: Readonly<Record<string, string>>): Run {
  return (images, { height, width, channels }, folders) => {
    const words = [format, images, height, width, channels, ...folders].map(String);
    execFileSync(python, [path('exported_models.py'), ...words], {
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', TF_CPP_MIN_LOG_LEVEL: '2', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return folders.map((each) => new Float32Array(bytesIn(join(each, 'outputs')).buffer));
  };
}
