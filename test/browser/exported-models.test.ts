import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareOutputs, TOLERANCE } from '@trikd/core/export/compare-outputs';
import { layersModelFiles, layersModelOutputs, loadLayersModel } from '@trikd/core/export/layers-model';
import { randomModel } from '@trikd/testing/training/random-model';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scratch, trikd } from '../e2e/trikd.js';
import { consumerOf } from '../golden/consumers.js';
import { launch } from './dashboard.js';
import { computedInBrowser } from './layers-model-page.js';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

test('an exported vit computes in a browser what the engine computes, on 256 images, and in int8 what it computes here', async () => {
  const data = { kind: 'synthetic', height: 28, width: 28, channels: 3, classes: 10, test: 256 } as const;
  const model = { kind: 'vit', patch: 7, width: 24, depth: 2, heads: 3 } as const;
  const { graph, images, outputs } = await randomModel({ model, data });
  const float32 = await computedInBrowser(browser, await layersModelFiles(graph), images, graph.image);
  const compared = compareOutputs(float32, outputs, graph.output.size);
  expect(compared.images).toBe(256);
  expect(compared.difference).toBeLessThan(TOLERANCE);

  const few = images.subarray(0, images.length / 16);
  const files = await layersModelFiles(graph, 'int8');
  const int8 = await computedInBrowser(browser, files, few, graph.image);
  const here = await layersModelOutputs(await loadLayersModel(files), graph, few);
  expect(compareOutputs(int8, here, graph.output.size).difference).toBeLessThan(TOLERANCE);
});

const CHECKED = 256;
const [side, classes] = [20, 4];

const RUN = `
name: shapes
data: { kind: images, folder: ./pictures, size: [${side}, ${side}], validation: 200, test: 300 }
batchSize: 32
epochs: 3
warmupSteps: 10
method: kd
student: { model: { kind: resnet, depth: 8, width: 8 } }
teacher: { model: { kind: resnet, depth: 8 } }
`;

test('2,000 PNG files of another program, one command that trains, three exports: their programs agree on 256 of the images', async () => {
  const folder = scratch();
  const [pictures, checked] = [join(folder, 'pictures'), join(folder, 'checked')];
  execFileSync('python3', ['test/browser/png_folder.py', pictures, '2000', checked]);
  writeFileSync(join(folder, 'run.yaml'), RUN);
  const command = async (...args: string[]) => {
    const { status, stderr, stdout } = await trikd(args, {}, folder).ended;
    expect(status, stderr).toBe(0);
    return stdout;
  };
  await command('run', 'run.yaml', '--store', 'runs');
  const formats = ['onnx', 'savedmodel', 'tfjs'];
  for (const format of formats) {
    const said = await command('export', 'shapes', '--store', 'runs', '--format', format, '--out', format);
    expect(said).toMatch(
      /checked on 256 images: logits at most [\d.e-]+ from those of the checkpoint, the same class for 256/,
    );
  }

  const all = readFileSync(checked);
  const [images, labels] = [all.subarray(0, -CHECKED), all.subarray(-CHECKED)];
  const shape = { height: side, width: side, channels: 3 };
  const file = join(folder, 'images');
  writeFileSync(file, images);
  const [onnx] = consumerOf('onnx')!(file, shape, [join(folder, 'onnx')]);
  const [savedmodel] = consumerOf('savedmodel')!(file, shape, [join(folder, 'savedmodel')]);
  const tfjs = await computedInBrowser(browser, filesIn(join(folder, 'tfjs')), images, shape);
  for (const outputs of [savedmodel!, tfjs]) {
    const { difference, right } = compareOutputs(outputs, onnx!, classes, labels);
    expect(difference).toBeLessThan(TOLERANCE);
    expect(right!.exported).toBeGreaterThan(0.9 * CHECKED);
    expect(right!.exported).toBe(right!.expected);
  }
});

const filesIn = (folder: string) =>
  new Map(readdirSync(folder).map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
