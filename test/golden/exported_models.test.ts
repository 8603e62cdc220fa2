import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compareOutputs, TOLERANCE } from '@trikd/core/export/compare-outputs';
import type { Precision } from '@trikd/core/export/precision';
import { exportFiles } from '@trikd/core/export/write-export';
import { type RandomModel, type RandomModelSettings, randomModel } from '@trikd/testing/training/random-model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const fetched = (script: string, ...args: readonly string[]) =>
  execFileSync('python3', [path(`../../scripts/${script}`), ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();

/** The cache, in which the Python package safetensors always is. */
const safetensors = fetched('fetch-safetensors.py');
const cache = join(safetensors, '..');
const makefile = readFileSync(path('../../Makefile'), 'utf8');
const versionIn = (name: string) => makefile.match(new RegExp(`^${name} := (\\S+)$`, 'm'))![1]!;

/** A program that reads exported models, with what it needs; undefined where that was not fetched. */
interface Consumer {
  readonly python: string;
  readonly env: Readonly<Record<string, string>>;
}

function onnxruntime(): Consumer {
  return { python: 'python3', env: { PYTHONPATH: fetched('fetch-python-packages.py', 'onnxruntime') } };
}

function pytorch(): Consumer | undefined {
  const python = join(cache, `pytorch-${versionIn('TORCH_VERSION')}`, 'bin/python');
  return existsSync(python) ? { python, env: { PYTHONPATH: safetensors } } : undefined;
}

function tensorflow(): Consumer | undefined {
  const version = versionIn('TENSORFLOW_VERSION');
  const folders = ['cpu', 'gpu'].map((kind) => join(cache, `tensorflow-${kind}-${version}`, 'tensorflow'));
  const folder = folders.find((each) => existsSync(each));
  return folder === undefined ? undefined : { python: 'python3', env: { TENSORFLOW: folder } };
}

const CONSUMERS = { onnx: onnxruntime, pytorch, savedmodel: tensorflow } as const;
type Format = keyof typeof CONSUMERS;

const data = { kind: 'synthetic', height: 28, width: 28, classes: 10, test: 256 } as const;
const MODELS: Readonly<Record<string, RandomModelSettings>> = {
  // An even side and a stride of 2: more zeros after the image than before it.
  'resnet of depth 14': { model: { kind: 'resnet', depth: 14, width: 8 }, data: { ...data, channels: 3 } },
  'plain-cnn with dense layers': {
    model: { kind: 'plain-cnn', channels: [6, 8, 10], hidden: [20] },
    data: { ...data, channels: 1 },
  },
  'mobilenet-v2 with depthwise convolutions': {
    model: { kind: 'mobilenet-v2', width: 0.25 },
    data: { ...data, channels: 3 },
  },
  'shufflenet-v2 with channels in two halves': {
    model: { kind: 'shufflenet-v2', width: 0.5 },
    data: { ...data, channels: 1 },
  },
};

const folder = mkdtempSync(join(tmpdir(), 'trikd-exported-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a consumer computes with an export. */
async function consumed(
  format: Format,
  { graph, images }: RandomModel,
  { python, env }: Consumer,
  precision: Precision,
): Promise<Float32Array> {
  const place = mkdtempSync(join(folder, format));
  const files = await exportFiles(format, graph, precision, { run: 'golden' });
  mkdirSync(join(place, 'model'));
  for (const [name, content] of files) writeFileSync(join(place, 'model', name), content);
  writeFileSync(join(place, 'images'), images);
  const { height, width, channels } = graph.image;
  const words = [format, join(place, 'model'), join(place, 'images'), height, width, channels, join(place, 'out')];
  execFileSync(python, [path('exported_models.py'), ...words.map(String)], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', TF_CPP_MIN_LOG_LEVEL: '2', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return new Float32Array(new Uint8Array(readFileSync(join(place, 'out'))).buffer);
}

describe.each(Object.entries(MODELS))('of a %s', (name, settings) => {
  let model: RandomModel;
  beforeAll(async () => {
    model = await randomModel(settings);
  });

  describe.each(Object.keys(CONSUMERS) as Format[])('the %s file', (format) => {
    const consumer = CONSUMERS[format]();
    if (!consumer) console.log(`skipped: ${format} of a ${name}, whose program is not in ${cache}`);

    test.skipIf(!consumer)('computes what the engine computes, on 256 images', async () => {
      const outputs = await consumed(format, model, consumer!, 'float32');
      const compared = compareOutputs(outputs, model.outputs, model.graph.output.size);
      expect(compared.images).toBe(256);
      expect(compared.difference).toBeLessThan(TOLERANCE);
    });

    test.skipIf(!consumer)('in float16 is close to it, and not equal', async () => {
      const outputs = await consumed(format, model, consumer!, 'float16');
      const { difference } = compareOutputs(outputs, model.outputs, model.graph.output.size);
      expect(difference).toBeGreaterThan(TOLERANCE / 10);
      expect(difference).toBeLessThan(0.05);
    });
  });
});
