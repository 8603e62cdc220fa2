import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { normalisedFor } from '@trikd/core/training/frozen';
import { openJudged } from '@trikd/core/training/judge';
import { weightsReader } from '@trikd/model-host/weights/weights-reader';
import { dataFolders } from '@trikd/process/environment';
import { datasetFor } from '@trikd/testing/specs/spec-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const safetensors = execFileSync('python3', [path('../../scripts/fetch-safetensors.py')], { encoding: 'utf8' }).trim();
const version = readFileSync(path('../../Makefile'), 'utf8').match(/^TORCH_VERSION := (\S+)$/m)![1]!;
const python = join(safetensors, '..', `pytorch-${version}`, 'bin/python');
const data = dataFolders().find((folder) => existsSync(join(folder, 't10k-images-idx3-ubyte.gz')));
const isThere = existsSync(python) && data !== undefined;
if (!isThere) console.log(`skipped: a teacher that PyTorch has trained, as ${python} or Fashion-MNIST is not there`);

const IMAGES = 1000;
const CLASSES = 10;
const PIXELS = 28 * 28;

const spec = RunSpec.parse({
  ...{ name: 'golden', method: 'kd', epochs: 1, batchSize: 50, engine: { threads: 1 } },
  data: { kind: 'synthetic', height: 28, width: 28, channels: 1, classes: CLASSES },
  student: { model: { kind: 'plain-cnn', channels: [4] } },
  teacher: {
    model: { kind: 'resnet', depth: 8, width: 8, padding: 'symmetric' },
    from: { file: 'teacher.safetensors' },
    preprocessing: { mean: [0.286], std: [0.353] },
  },
});

describe.skipIf(!isThere)('a ResNet that PyTorch has trained, from its safetensors file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-teacher-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let expected: Float32Array;

  beforeAll(() => {
    execFileSync(python, [path('pytorch_teacher.py'), data!, folder], {
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONPATH: safetensors },
    });
    expected = new Float32Array(new Uint8Array(readFileSync(join(folder, 'logits'))).buffer);
  }, 300_000);

  /** The logits of the test images here. */
  async function logitsOf(name: string): Promise<Float32Array> {
    const { model, preprocessing } = spec.teacher!;
    const dataset = normalisedFor(datasetFor(spec), { preprocessing: preprocessing! });
    const from = { kind: 'file', file: join(folder, name), isRegistered: false } as const;
    const { params, format } = await weightsReader()(from, { spec, dataset, model: model! });
    expect(format).toBe('torchvision');
    const judged = await openJudged(spec, dataset, model!, params);
    try {
      const images = gunzipSync(readFileSync(join(data!, 't10k-images-idx3-ubyte.gz')));
      return (await judged.outputs(images.subarray(16, 16 + IMAGES * PIXELS))).logits!;
    } finally {
      await judged.close();
    }
  }

  test('has the same answer to every image but ties, and the same accuracy', async () => {
    const logits = await logitsOf('teacher.safetensors');
    const labels = gunzipSync(readFileSync(join(data!, 't10k-labels-idx1-ubyte.gz'))).subarray(8, 8 + IMAGES);
    const [here, there] = [answersOf(logits), answersOf(expected)];
    const different = here.flatMap(({ first }, image) => (first === there[image]!.first ? [] : [there[image]!]));
    expect(different.filter(({ lead }) => lead > 1e-4)).toEqual([]);
    const right = (answers: readonly Answer[]) => answers.filter(({ first }, image) => first === labels[image]).length;
    expect(Math.abs(right(here) - right(there))).toBeLessThanOrEqual(different.length);
    // It has learned, so that this says something.
    expect(right(there)).toBeGreaterThan(0.5 * IMAGES);
    expect(Math.max(...logits.map((value, index) => Math.abs(value - expected[index]!)))).toBeLessThan(1e-3);
  });

  test('in float16 has the accuracy of the whole file, within one in a hundred', async () => {
    const [here, there] = [answersOf(await logitsOf('teacher-half.safetensors')), answersOf(expected)];
    expect(here.filter(({ first }, image) => first !== there[image]!.first).length).toBeLessThanOrEqual(IMAGES / 100);
  });
});

interface Answer {
  /** The class with the largest logit. */
  readonly first: number;
  /** How far its logit is above the next. */
  readonly lead: number;
}

function answersOf(logits: Float32Array): readonly Answer[] {
  return Array.from({ length: IMAGES }, (_, image) => {
    const row = [...logits.subarray(image * CLASSES, (image + 1) * CLASSES)];
    const [most = 0, next = 0] = row.toSorted((a, b) => b - a);
    return { first: row.indexOf(most), lead: most - next };
  });
}
