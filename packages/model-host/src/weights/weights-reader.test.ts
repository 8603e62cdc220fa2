import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packSafetensors } from '@trikd/core/checkpoint/safetensors';
import type { FileRef } from '@trikd/core/stages/origin';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readNoWeights, weightsReader } from './weights-reader.js';

const spec = specFor('bare', { student: { model: { kind: 'plain-cnn', channels: [2] } } });
const dataset = datasetFor(spec);
const context = { spec, dataset, model: spec.student!.model };

/** What the classifier sees of an image. */
const FEATURES = 2 * dataset.height * dataset.width;

/** The params of the model by the names of our exports for PyTorch; each has its place as its value. */
const SHAPES = {
  'conv0.weight': [2, dataset.channels, 3, 3],
  ...Object.fromEntries(['weight', 'bias', 'running_mean', 'running_var'].map((part) => [`bn0.${part}`, [2]])),
  'classifier.weight': [dataset.classes, FEATURES],
  'classifier.bias': [dataset.classes],
};
const content = packSafetensors(
  Object.entries(SHAPES).map(([name, shape]) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const { buffer } = Float32Array.from({ length }, (_, place) => place);
    return [name, { dtype: 'F32', shape, bytes: new Uint8Array(buffer) }] as const;
  }),
  {},
);
const sha256 = createHash('sha256').update(content).digest('hex');

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-reader-'));
  file = join(folder, 'a.safetensors');
  await writeFile(file, content);
});
afterEach(() => rm(folder, { recursive: true }));

const ref = (changes: Partial<FileRef> = {}): FileRef => ({ kind: 'file', file, isRegistered: false, ...changes });

test('the params of a file have the names and layouts of the model, and the digest of the file is told', async () => {
  const read = await weightsReader()(ref(), context);
  expect([read.format, read.sha256]).toEqual(['pytorch', sha256]);
  const kernel = read.params.get('classifier/kernel');
  expect(kernel?.shape).toEqual([FEATURES, dataset.classes]);
  // Input by input, where the file has them output by output.
  const ofFirstInput = [...Array(dataset.classes).keys()].map((output) => output * FEATURES);
  expect([...kernel!.data.subarray(0, dataset.classes)]).toEqual(ofFirstInput);
});

test('a file is read under the name that it is registered under, and under no other', async () => {
  const read = weightsReader({ teacher: { file } });
  expect((await read(ref({ file: 'teacher', isRegistered: true }), context)).sha256).toBe(sha256);
  await expect(read(ref({ file: 'constructor', isRegistered: true }), context)).rejects.toThrow(
    'no weights are registered as constructor, only teacher',
  );
});

test('other content than the spec pins is refused with both digests', async () => {
  expect((await weightsReader()(ref({ sha256 }), context)).sha256).toBe(sha256);
  const other = 'a'.repeat(64);
  await expect(weightsReader()(ref({ sha256: other }), context)).rejects.toThrow(
    `file ${file} has SHA-256 ${sha256}, the spec wants ${other}`,
  );
});

test('a service without a reader reads no file', async () => {
  await expect(readNoWeights(ref(), context)).rejects.toThrow('this service reads no weights files');
});
