import { idxFolderAmong } from '@trikd/model-host/data/idx-folder';
import { namedDataFolders } from '@trikd/process/environment';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { describe, expect, test } from 'vitest';
import { reference, resultOf } from './outcome.js';
import { run, scratch } from './trikd.js';

/** 64 training identities of four images; 24 others for validation, and 24 more for the test. */
const identities: WrittenSpec = {
  name: 'identities',
  task: { kind: 'verification', embedding: 16, margin: { kind: 'arcface', margin: 0.2, scale: 16 } },
  data: { kind: 'synthetic-identities', perIdentity: 4, train: 256, validation: 96, test: 96, noise: 24 },
  augment: { crop: 1, flip: false },
  batchSize: 32,
  epochs: 4,
  warmupSteps: 4,
  student: { model: { kind: 'plain-cnn', channels: [4, 4] } },
  teacher: { model: { kind: 'plain-cnn', channels: [8, 8] } },
  curriculum: { generations: 2 },
  engine: { threads: 1 },
};

describe('verification in four processes ends bit for bit as in one', () => {
  test('with two generations of trikd, whose student becomes the anchor', async () => {
    const [ended, expected] = await Promise.all([run(scratch(), identities), reference(identities)]);
    expect(resultOf(ended)).toEqual({ phase: 'completed', generations: expected });
    expect(expected.map(({ promoted }) => promoted)).toEqual([true, false]);
    const { metrics } = expected[1]!.learners['student']!.best.test!;
    // Too few pairs for a false accept rate of 0.001.
    expect(Object.keys(metrics)).toEqual(['accuracy', 'tar1e-1', 'tar1e-2', 'retrieval']);
    expect(metrics['accuracy']).toBeGreaterThan(0.6);
  });

  test('with kd, by cosine softmax and a teacher that is frozen', async () => {
    const { curriculum: _, ...rest } = identities;
    const spec: WrittenSpec = {
      ...rest,
      method: 'kd',
      task: { kind: 'verification', embedding: 16, margin: { kind: 'softmax', scale: 16 } },
    };
    const [ended, expected] = await Promise.all([run(scratch(), spec), reference(spec)]);
    expect(resultOf(ended)).toEqual({ phase: 'completed', generations: expected });
    expect(expected.map(({ learners }) => Object.keys(learners))).toEqual([['teacher'], ['student']]);
    expect(expected[1]!.frozen?.['teacher']?.validation).toEqual(expected[0]!.learners['teacher']!.best.validation);
  });
});

const EMOJI = 'emoji-identities';
const hasEmoji = (await idxFolderAmong(namedDataFolders(EMOJI))) !== undefined;
if (!hasEmoji) console.log(`not tested: verification of ${EMOJI}, which \`make emoji\` brings`);

const testOfEmoji = hasEmoji ? test : () => undefined;
testOfEmoji('drawn pictures in colour are verified better than by chance', async () => {
  const spec: WrittenSpec = {
    ...identities,
    name: EMOJI,
    task: { kind: 'verification', embedding: 32, margin: { kind: 'cosface', margin: 0.1, scale: 20 } },
    data: { kind: 'idx', name: EMOJI, split: 'identities', train: 1000, validation: 400, test: 400 },
    augment: { crop: 2 },
    engine: { threads: 2 },
  };
  const [ended, expected] = await Promise.all([run(scratch(), spec), reference(spec)]);
  expect(resultOf(ended)).toEqual({ phase: 'completed', generations: expected });
  const { metrics } = expected[1]!.learners['student']!.best.test!;
  expect(metrics['accuracy']).toBeGreaterThan(0.6);
});
