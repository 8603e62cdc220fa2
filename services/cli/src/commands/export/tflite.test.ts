import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelGraph } from '@trikd/core/export/model-graph';
import { savedModel } from '@trikd/core/export/saved-model';
import { afterAll, expect, test } from 'vitest';
import { tfliteModel } from './tflite.js';

const folder = mkdtempSync(join(tmpdir(), 'trikd-python-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Sums of the pixels of an image, less 12. */
const graph: ModelGraph = {
  ...{ image: { height: 2, width: 2, channels: 1 }, scale: [1], shift: [-3] },
  nodes: [
    { name: 'flatten_0', inputs: ['normalised'], shape: [4], operation: { kind: 'flatten' } },
    {
      ...{ name: 'head', inputs: ['flatten_0'], shape: [1] },
      operation: { kind: 'dense', kernel: { name: 'head/kernel', shape: [4, 1], data: new Float32Array(4).fill(1) } },
    },
  ],
  output: { name: 'logits', node: 'head', size: 1 },
};

const converted = (python: string) =>
  tfliteModel({
    ...{ savedModel: savedModel(graph), graph, precision: 'float32', python, env: process.env },
    images: Uint8Array.of(1, 2, 3, 4, 250, 250, 250, 250),
  });

/** A program in place of Python. */
function program(script: string): string {
  const path = join(folder, `python-${script.length}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

test.each([
  [
    'is not there',
    () => join(folder, 'none'),
    /needs a Python with the package tensorflow, .* is none \(there is no such program\): install it there/,
  ],
  [
    'has no TensorFlow',
    () => program('echo "No module named tensorflow" >&2; exit 69'),
    /is none \(No module named tensorflow\): install it there, .* or name another one with --python$/,
  ],
  [
    'cannot convert the model',
    () => program('echo "no such op" >&2; exit 1'),
    /^TensorFlow cannot convert the model: no such op$/,
  ],
])('a Python that %s is named in an error', async (_what, python, message) => {
  await expect(converted(python())).rejects.toMatchObject({ kind: 'invalid', message: expect.stringMatching(message) });
});

// Half a gigabyte that nothing else needs: `make test` does not fetch it, and a test that is skipped would count as failed.
const tensorflow = process.env['TENSORFLOW_PYTHON'];
if (tensorflow !== undefined) {
  test('the TensorFlow of the Python that TENSORFLOW_PYTHON names converts a model and runs it', async () => {
    const { bytes, outputs } = await converted(tensorflow);
    expect(Buffer.from(bytes).toString('latin1', 4, 8)).toBe('TFL3');
    expect([...outputs]).toEqual([-2, 988]);
  }, 120_000);
}
