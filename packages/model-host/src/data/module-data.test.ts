import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allPixels } from '@trikd/core/data/image-source';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { keepModule, readModule } from '@trikd/process/user-modules';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadDataset, ownData } from './load-dataset.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-module-data-'));
  await mkdir(join(folder, 'modules'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A run on what a module returns, which is kept with those of this process. */
async function specOf(text: string, changes: object = {}): Promise<RunSpec> {
  const path = join(folder, 'mine.ts');
  await writeFile(path, text);
  const module = readModule(path);
  keepModule(join(folder, 'modules'), module);
  const data = { kind: 'module', file: 'mine.ts', sha256: module.sha256, validation: 2, ...changes };
  return RunSpec.parse({ ...writtenSpec('bare'), batchSize: 1, data });
}

const from = () => ({ ...ownData(), modules: join(folder, 'modules') });

const SQUARES = `
type Settings = { readonly settings: { readonly count: number } };
export default ({ settings }: Settings) => {
  const labels = Array.from({ length: settings.count }, (_, i) => i % 3);
  const images = new Uint8Array(settings.count * 4).map((_, at) => 10 * (at >> 2) + labels[at >> 2]);
  return { height: 2, width: 2, channels: 1, classNames: ['a', 'b', 'c'], train: { images, labels } };
};`;

test('a function returns the images of a run, of which some are held out', async () => {
  const {
    train,
    validation,
    test: tested,
    classes,
  } = await loadDataset(await specOf(SQUARES, { settings: { count: 12 } }), from());
  expect([train.count, validation.count, tested.count, classes]).toEqual([8, 2, 2, 3]);
  const pixels = allPixels(train);
  expect(Array.from(train.labels, (label, i) => pixels[4 * i]! % 10 === label).every(Boolean)).toBe(true);
});

test('a function reads files by absolute paths', async () => {
  await writeFile(
    join(folder, 'pixels.bin'),
    Uint8Array.from({ length: 12 }, (_, i) => i),
  );
  const text = `export default async ({ settings, readFile }) => ({
    height: 1, width: 1, channels: 1, train: { images: new Uint8Array(await readFile(settings.path)), labels: [...'010101010101'].map(Number) } });`;
  const { train } = await loadDataset(await specOf(text, { settings: { path: join(folder, 'pixels.bin') } }), from());
  expect(train.count).toBe(8);
  const relative = loadDataset(await specOf(text, { settings: { path: 'pixels.bin' } }), from());
  await expect(relative).rejects.toThrow('the data of mine.ts were not made: pixels.bin is no absolute path');
});

test.each([
  ['export default () => { throw new Error("no disk"); };', 'the data of mine.ts were not made: no disk'],
  ['export default () => ({});', 'the data of mine.ts cannot be used: height: '],
  ['import fs from "node:fs"; export default () => fs;', 'the module mine.ts is refused: it imports node:fs'],
])('a module that returns no data is refused by name: %s', async (text, message) => {
  await expect(loadDataset(await specOf(text), from())).rejects.toThrow(message);
});

test('a process without a folder of modules executes none', async () => {
  const spec = await specOf('globalThis.executed = true; export default () => ({});');
  const { admission, datasets } = ownData();
  const service = { datasets, admission: { ...admission, modules: false } };
  await expect(loadDataset(spec, service)).rejects.toThrow('data.file: this service runs no module');
  expect('executed' in globalThis).toBe(false);
});

test('more images than a limit allows are refused', async () => {
  const { admission, ...others } = from();
  const small = { ...admission, limits: { ...admission.limits, datasetImages: 10 } };
  const loading = loadDataset(await specOf(SQUARES, { settings: { count: 12 } }), { ...others, admission: small });
  await expect(loading).rejects.toThrow('limit admission.datasetImages: 10');
});
