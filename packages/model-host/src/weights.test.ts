import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSafetensors, packSafetensors } from '@trikd/core/checkpoint/safetensors';
import type { FileRef } from '@trikd/core/stages/origin';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MOST_WEIGHTS_BYTES, readNoWeights, readWeightsFile, weightsReader } from './weights.js';

describe('weights file', () => {
  const SECOND = 1000;
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trikd-weights-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const tensor = { dtype: 'float32' as const, shape: [2], data: Float32Array.of(1, 2) };
  const whole = encodeSafetensors(new Map([['a/kernel', tensor]]));

  /** Writes a file. @returns its path */
  async function put(name: string, content: Uint8Array | string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  }

  /** Why a file is not read; it is known within a second. */
  async function refusal(path: string): Promise<string> {
    const began = performance.now();
    const error: unknown = await readWeightsFile(path, 'the file').then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(performance.now() - began).toBeLessThan(SECOND);
    if (error instanceof Error) return error.message;
    throw new Error('the file was read');
  }

  const sha256 = (...parts: (Uint8Array | string)[]) => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return hash.digest('hex');
  };

  test('a safetensors file is read, with its digest', async () => {
    const read = await readWeightsFile(await put('a.safetensors', whole));
    expect(read.sha256).toBe(sha256(whole));
    expect(read.file.tensors.map(({ name, shape, read: numbers }) => [name, shape, numbers()])).toEqual([
      ['a/kernel', [2], Float32Array.of(1, 2)],
    ]);
  });

  const layers = (paths: readonly string[]) =>
    JSON.stringify({ weightsManifest: [{ paths, weights: [{ name: 'a/kernel', shape: [2], dtype: 'float32' }] }] });

  test('a LayersModel is read with the files beside it, and its digest is of all of them', async () => {
    const bytes = new Uint8Array(tensor.data.buffer);
    await put('one.bin', bytes.subarray(0, 3));
    await put('two.bin', bytes.subarray(3));
    const json = layers(['one.bin', 'two.bin']);
    const read = await readWeightsFile(await put('model.json', json));
    expect(read.file.tensors[0]!.read()).toEqual(tensor.data);
    expect(read.sha256).toBe(sha256(json, bytes));
  });

  describe('by name and within a second is refused', () => {
    test.each([
      ['half of a file', whole.subarray(0, whole.length - 4)],
      ['a header longer than the file', Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127, 1)],
      ['no header', Uint8Array.of(1, 2)],
      ['nothing', new Uint8Array()],
    ])('%s', async (_what, content) => {
      expect(await refusal(await put('a.safetensors', content))).toMatch(/^the file: .*safetensors/);
    });

    test.each(['teacher.pt', 'teacher.pth', 'last.ckpt', 'pytorch_model.bin', 'teacher.pkl'])(
      'a pickled file %s, with the line that turns it into safetensors',
      async (name) => {
        const message = await refusal(await put(name, 'content'));
        expect(message).toContain('the file is a pickled file');
        expect(message).toContain('weights_only=True');
        expect(message).toMatch(new RegExp(` ${name} ${name.replace(/\.\w+$/, '')}\\.safetensors$`));
      },
    );

    test.each([
      ['pickled', Uint8Array.of(0x80, 2, 0x7d)],
      ['an archive of PyTorch', new TextEncoder().encode('PK\u0003\u0004...')],
    ])('what is %s under the name of safetensors', async (_what, content) => {
      expect(await refusal(await put('a.safetensors', content))).toContain('is a pickled file');
    });

    test('a file of Keras', async () => {
      expect(await refusal(await put('a.keras', 'x'))).toContain('is a file of Keras, which is not read');
      expect(await refusal(await put('a.safetensors', Uint8Array.of(0x89, 0x48, 0x44, 0x46)))).toContain('Keras');
    });

    test('a link, a pipe, a folder and what is not there', async () => {
      await symlink(await put('real.safetensors', whole), join(folder, 'link.safetensors'));
      expect(await refusal(join(folder, 'link.safetensors'))).toContain('is a symbolic link');
      execFileSync('mkfifo', [join(folder, 'pipe.safetensors')]);
      expect(await refusal(join(folder, 'pipe.safetensors'))).toContain('is a pipe');
      await mkdir(join(folder, 'folder.safetensors'));
      expect(await refusal(join(folder, 'folder.safetensors'))).toContain('is a folder');
      expect(await refusal(join(folder, 'gone.safetensors'))).toContain('there is no file');
    });

    test('a file beyond the limit, before it is read', async () => {
      const path = await put('a.safetensors', whole);
      await truncate(path, MOST_WEIGHTS_BYTES + 1);
      expect(await refusal(path)).toContain(`at most ${MOST_WEIGHTS_BYTES} are read`);
    });

    test.each([
      ['elsewhere', layers(['../secret.bin']), 'the name of a file beside model.json'],
      ['that is not there', layers(['one.bin']), 'there is no file'],
      ['twice', layers(['model.json', 'model.json']), 'it names a file twice'],
      ['of no JSON', 'model', 'it is not JSON'],
    ])('a LayersModel with a part %s', async (_what, json, problem) => {
      expect(await refusal(await put('model.json', json))).toContain(problem);
    });

    test('a LayersModel whose tensors are larger than its files', async () => {
      await put('one.bin', new Uint8Array(4));
      expect(await refusal(await put('model.json', layers(['one.bin'])))).toContain(
        'the tensors take 8 bytes, one.bin has 4',
      );
    });
  });
});

describe('weights reader', () => {
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
});
