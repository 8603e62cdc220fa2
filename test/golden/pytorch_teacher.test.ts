import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { normalisedFor } from '@trikd/core/training/frozen';
import { openJudged } from '@trikd/core/training/judge';
import { weightsReader } from '@trikd/model-host/weights';
import { datasetFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';

/** Files that pytorch_teacher.py made. */
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const golden = JSON.parse(readFileSync(path('pytorch_teacher.json'), 'utf8'));
const bytes = (name: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(golden[name], 'base64'));

const CLASSES = 10;
const images = bytes('images');
const labels = bytes('labels');
const expected = new Float32Array(bytes('logits').buffer);

const spec = RunSpec.parse({
  ...{ name: 'golden', method: 'kd', epochs: 1, batchSize: 50, engine: { threads: 1 } },
  data: { kind: 'synthetic', height: 28, width: 28, channels: 1, classes: CLASSES },
  student: { model: { kind: 'plain-cnn', channels: [4] } },
  teacher: {
    model: { kind: 'resnet', depth: 8, width: 8, padding: 'symmetric' },
    from: { file: 'pytorch_teacher.safetensors' },
    preprocessing: { mean: [0.286], std: [0.353] },
  },
});

/** The logits of the test images here. */
async function logitsOf(file: string): Promise<Float32Array> {
  const { model, preprocessing } = spec.teacher!;
  const dataset = normalisedFor(datasetFor(spec), { preprocessing: preprocessing! });
  const from = { kind: 'file', file: path(file), isRegistered: false } as const;
  const { params, format } = await weightsReader()(from, { spec, dataset, model: model! });
  expect(format).toBe('torchvision');
  const judged = await openJudged(spec, dataset, model!, params);
  try {
    return (await judged.outputs(images)).logits!;
  } finally {
    await judged.close();
  }
}

/** The class with the largest logit of each image. */
function answersOf(logits: Float32Array): readonly number[] {
  return Array.from(labels, (_, image) => {
    const row = logits.subarray(image * CLASSES, (image + 1) * CLASSES);
    return row.indexOf(Math.max(...row));
  });
}

test('a ResNet that PyTorch has trained has the same logits from its safetensors file', async () => {
  const logits = await logitsOf('pytorch_teacher.safetensors');
  expect(logits.length).toBe(expected.length);
  expect(Math.max(...logits.map((value, index) => Math.abs(value - expected[index]!)))).toBeLessThan(1e-3);
  // It has learned, so that this says something.
  expect(answersOf(expected).filter((answer, image) => answer === labels[image]).length).toBeGreaterThan(90);
});

test('in float16 it has the answers of the whole file, but for one in a hundred', async () => {
  const [here, there] = [answersOf(await logitsOf('pytorch_teacher_half.safetensors')), answersOf(expected)];
  expect(here.filter((answer, image) => answer !== there[image]).length).toBeLessThanOrEqual(there.length / 100);
});
