import type { ModelGraph } from '@trikd/core/export/model-graph';
import { datasetFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { storedRun } from '../checkpoint/testing/stored-run.js';
import { type Exported, modelCard } from './model-card.js';
import { exportSubject } from './subject.js';

const kernel = { name: 'head/kernel', shape: [64, 4], data: new Float32Array(256) };
const graph: ModelGraph = {
  image: { height: 8, width: 8, channels: 1 },
  scale: [0.25],
  shift: [-1.5],
  nodes: [
    { name: 'flatten_0', inputs: ['normalised'], shape: [64], operation: { kind: 'flatten' } },
    { name: 'head', inputs: ['flatten_0'], shape: [4], operation: { kind: 'dense', kernel } },
  ],
  output: { name: 'logits', node: 'head', size: 4 },
};

async function exported(changes: Partial<Exported> = {}): Promise<Exported> {
  const run = await storedRun();
  return {
    ...{ run, subject: await exportSubject(run, { params: 'best' }), dataset: datasetFor(run.spec), graph },
    options: { format: 'onnx', precision: 'float32', params: 'best' },
    checked: { images: 64, difference: 2.5e-6, agreeing: 63, right: { exported: 48, expected: 49 } },
    ...changes,
  };
}

test('a model card tells run, stage, params, preprocessing, scores, data and lineage', async () => {
  const of = await exported();
  const card = modelCard(of);
  const { params } = of.subject;
  expect(card).toMatch(/^# r: student of stage generation-0$/m);
  expect(card).toContain(`| SHA-256 of the params | \`${params.sha256}\` |`);
  expect(card).toContain('| params | best, after step 4 of the stage: 256 numbers |');
  expect(card).toContain('`images` is uint8 [batch, 8, 8, 1]');
  expect(card).toMatch(/^\| 0 \| [\d.]+ \| [\d.]+ \| 0.25 \| -1.5 \|$/m);
  expect(card).toContain('| validation | accuracy | 80.00 % | 400 |');
  expect(card).toContain(
    'at most 0.0000025 from those of the checkpoint, the same class for 63, the right one for 48, with the checkpoint for 49.',
  );
  expect(card).toContain(`\`${of.dataset.digest}\``);
  expect(card).toMatch(/^\| generation-0 \| teacher \| 90.00 %.* \| yes \| /m);
  expect(card).toMatch(/^```yaml\n(.+\n)*name: r\n/m);
});

test('a model card is the same again, and says so when the run has no scores of the params', async () => {
  const of = await exported();
  expect(modelCard(of)).toBe(modelCard(await exported()));
  expect(modelCard({ ...of, subject: { ...of.subject, scores: {} } })).toContain(
    'The run did not evaluate these params.',
  );
});
