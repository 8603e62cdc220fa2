import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { packSafetensors } from '@trikd/core/checkpoint/safetensors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runProgram } from '../../program.js';

const never = new AbortController().signal;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-weights-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function inspect(...words: readonly string[]) {
  const shell = {
    ...{ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() },
    ...{ env: {}, rest: never, end: never },
  };
  const status = await runProgram(['weights', 'inspect', ...words], shell);
  const textOf = (output: PassThrough) => String(output.end().read() ?? '');
  return { status, out: textOf(shell.stdout), error: textOf(shell.stderr) };
}

/** A file of zeros. */
async function put(shapes: Readonly<Record<string, readonly number[]>>): Promise<string> {
  const path = join(folder, 'a.safetensors');
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const bytes = new Uint8Array(4 * shape.reduce((product, size) => product * size, 1));
    return [name, { dtype: 'F32', shape, bytes }] as const;
  });
  await writeFile(path, packSafetensors(tensors, {}));
  return path;
}

const norm = (name: string, channels: number) =>
  Object.fromEntries(['weight', 'bias', 'running_mean', 'running_var'].map((part) => [`${name}.${part}`, [channels]]));

/** The CIFAR ResNet of depth 8 by the names of public code, with 4, 8 and 16 channels. */
const resnet8 = {
  ...{ 'conv1.weight': [4, 1, 3, 3], ...norm('bn1', 4), 'fc.weight': [7, 16], 'fc.bias': [7] },
  ...block('layer1.0', 4, 4),
  ...block('layer2.0', 4, 8),
  ...block('layer3.0', 8, 16),
};

function block(name: string, inputs: number, outputs: number) {
  return {
    ...{ [`${name}.conv1.weight`]: [outputs, inputs, 3, 3], ...norm(`${name}.bn1`, outputs) },
    ...{ [`${name}.conv2.weight`]: [outputs, outputs, 3, 3], ...norm(`${name}.bn2`, outputs) },
    ...(inputs !== outputs && {
      [`${name}.downsample.0.weight`]: [outputs, inputs, 1, 1],
      ...norm(`${name}.downsample.1`, outputs),
    }),
  };
}

test('the names of public code tell the network, its classes and its channels', async () => {
  const { status, out } = await inspect(await put(resnet8));
  expect(status).toBe(0);
  expect(out).toContain(
    'fits { kind: resnet, depth: 8, width: [4, 4, 8, 16], padding: symmetric } by the torchvision names: 7 classes, 1 channels',
  );
  expect(out).toMatch(/conv1\.weight +│? *F32 .*\[4, 1, 3, 3\]/);
});

test('a file that does not fit the model ends with 1, and says what is wrong', async () => {
  const { status, out } = await inspect(
    await put(resnet8),
    ...['--model', '{ kind: resnet, depth: 14, width: 4, padding: symmetric }', '-o', 'json'],
  );
  expect(status).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    format: 'safetensors',
    fit: { names: 'torchvision', problems: [expect.stringMatching(/^30 missing \(layer1\.1\.conv1\.weight/)] },
  });
});

test('names of no known network are listed, and a pickled file is refused', async () => {
  const { status, out } = await inspect(await put({ 'a.weight': [2] }));
  expect([status, out]).toEqual([0, expect.stringContaining('--model says which to compare with')]);
  const path = join(folder, 'a.pt');
  await writeFile(path, 'x');
  expect(await inspect(path)).toMatchObject({ status: 1, error: expect.stringContaining('is a pickled file') });
});
