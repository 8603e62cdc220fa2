import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Precision } from '@trikd/core/export/export-format';
import type { ModelGraph } from '@trikd/core/export/model-graph';
import type { Shell } from '../../terminal/shell.js';

/** A model in the format TFLite, with what TensorFlow's interpreter of that format computes. */
export interface TfliteModel {
  readonly bytes: Uint8Array;
  /** For the images that were given. */
  readonly outputs: Float32Array;
}

export interface TfliteRequest {
  /** The `saved_model.pb` of the model, in float32. */
  readonly savedModel: Uint8Array;
  readonly graph: ModelGraph;
  readonly precision: Precision;
  /** Of uint8, one after another. */
  readonly images: Uint8Array;
  /** The Python that has the package tensorflow. */
  readonly python: string;
  readonly env: Shell['env'];
}

/** Time that TensorFlow may take: a converted model of millions of params takes seconds. */
const DEADLINE_MS = 600_000;

/** Characters of an error of Python that are shown, at most: the last ones say what it is. */
const MOST_SHOWN = 600;

/** How the program says that there is no TensorFlow. */
const NO_TENSORFLOW = 69;

/** Reads FOLDER with the images and writes the model and its outputs there. */
const PROGRAM = `
import sys

# No modules of the folder in which the command was called.
sys.path = [path for path in sys.path if path]
import pathlib

try:
    import numpy
    import tensorflow as tf
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(${NO_TENSORFLOW})

folder, precision, shape = pathlib.Path(sys.argv[1]), sys.argv[2], [int(size) for size in sys.argv[3:]]
converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=['serving_default'])
if precision != 'float32':
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
if precision == 'float16':
    converter.target_spec.supported_types = [tf.float16]
model = converter.convert()
(folder / 'model.tflite').write_bytes(model)

images = numpy.fromfile(folder / 'images', numpy.uint8).reshape(-1, *shape)
run = tf.lite.Interpreter(model_content=model, num_threads=1)
(given,), (returned,) = run.get_input_details(), run.get_output_details()
run.resize_tensor_input(given['index'], [1, *shape])
run.allocate_tensors()
with open(folder / 'outputs', 'wb') as out:
    for image in images:
        run.set_tensor(given['index'], image[None])
        run.invoke()
        out.write(run.get_tensor(returned['index']).astype(numpy.float32).tobytes())
`;

/**
 * Has TensorFlow's own converter write a model, in a Python of the user, and its interpreter run it.
 * @throws TrikdError 'invalid' when that Python is not there or has no TensorFlow, and for a model that TensorFlow cannot convert
 */
export async function tfliteModel({
  savedModel,
  graph,
  precision,
  images,
  ...python
}: TfliteRequest): Promise<TfliteModel> {
  const folder = await mkdtemp(join(tmpdir(), 'trikd-tflite-'));
  try {
    await writeFile(join(folder, 'saved_model.pb'), savedModel);
    await writeFile(join(folder, 'images'), images);
    const { height, width, channels } = graph.image;
    await runPython(python, [folder, precision, ...[height, width, channels].map(String)]);
    const outputs = await readFile(join(folder, 'outputs'));
    return {
      bytes: await readFile(join(folder, 'model.tflite')),
      outputs: new Float32Array(new Uint8Array(outputs).buffer),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Python = Pick<TfliteRequest, 'python' | 'env'>;

function runPython({ python, env }: Python, args: readonly string[]): Promise<void> {
  const options = {
    ...{ timeout: DEADLINE_MS, maxBuffer: 64 * 1024 * 1024 },
    env: { ...env, TF_CPP_MIN_LOG_LEVEL: '3', CUDA_VISIBLE_DEVICES: '' },
  };
  return new Promise((resolve, reject) => {
    execFile(python, ['-c', PROGRAM, ...args], options, (error, _out, complaints) => {
      if (error === null) resolve();
      else reject(failure(python, error, complaints));
    });
  });
}

function failure(python: string, error: { readonly code?: unknown; readonly killed?: boolean }, complaints: string) {
  if (error.code === NO_TENSORFLOW || error.code === 'ENOENT' || error.code === 'EACCES') {
    const problem = error.code === NO_TENSORFLOW ? complaints.trim() : 'there is no such program';
    return new TrikdError(
      'invalid',
      `the format tflite needs a Python with the package tensorflow, and ${python} is none (${problem}): install it there, for example with \`pip install tensorflow-cpu\`, or name another one with --python`,
    );
  }
  if (error.killed) {
    const minutes = DEADLINE_MS / 60_000;
    return new TrikdError('unavailable', `${python} had not converted the model after ${minutes} minutes`);
  }
  return new TrikdError('invalid', `TensorFlow cannot convert the model: ${complaints.trim().slice(-MOST_SHOWN)}`);
}
