import { join } from 'node:path';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { hears, type WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { afterAll, describe, expect, test } from 'vitest';
import { ALL_CASES, casesOf } from './cases.js';
import { sharedRuns } from './clustered-runs.js';
import { METHODS, type MethodRun, makeWeights } from './method-specs.js';
import { type Content, reference, resultOf } from './outcome.js';
import { expectNoProcess, pidOf, processesOf } from './processes.js';
import { run, scratch, startRun } from './trikd.js';

const tiny = writtenSpec('two stages');
const { student, teacher } = tiny;
const runs = sharedRuns();

let count = 0;
/** Trains a spec in the services of this file, under a name of its own, and in one process. Returns what both came to. */
async function expectTheSameBits(spec: WrittenSpec): Promise<readonly Content[]> {
  count += 1;
  const named = { ...spec, name: `${spec.name}-${count}` };
  const [trained, expected] = await Promise.all([runs().train(named), reference(spec)]);
  expect(trained).toEqual({ phase: 'completed', stages: expected });
  return expected;
}

/** The nets and the objectives of examples/fashion-mnist.yaml; 4 steps an epoch. */
const fashionMnist: WrittenSpec = {
  name: 'fashion-mnist',
  data: { kind: 'idx', train: 256, validation: 500, test: 500 },
  batchSize: 64,
  epochs: ALL_CASES ? 50 : 10,
  student: { model: { kind: 'plain-cnn', channels: [12, 12, 24, 24] }, objective: hears(1, 1) },
  teacher: { model: { kind: 'plain-cnn', channels: [16, 16, 32, 32, 64, 64] }, objective: hears(0.1, 0.1) },
  evaluation: { everyEpochs: 5 },
  checkpoint: { everyEpochs: 5 },
  curriculum: { generations: 2 },
};

const task = [{ kind: 'task' as const }];
const taskAndAnchor = hears(1, 1)!.filter((term) => term.kind === 'task' || term.from === 'anchor');
const taskAndPeer = hears(1, 1)!.filter((term) => term.kind === 'task' || term.from === 'peer');

/** Specs whose parts other tests do not have. */
const SPECS: Readonly<Record<string, Partial<WrittenSpec>>> = {
  'a ResNet-8, AdamW and all augmentation': {
    data: { kind: 'synthetic', height: 12, width: 12, channels: 3, noise: 24 },
    augment: [
      { kind: 'crop', padding: 2 },
      { kind: 'flip' },
      { kind: 'rand-augment' },
      { kind: 'colour-jitter' },
      { kind: 'cutout', size: 4 },
      { kind: 'mixup', probability: 0.5 },
      { kind: 'cutmix' },
    ],
    student: { ...student, model: { kind: 'resnet', depth: 8, width: 4 } },
    teacher: {
      ...teacher,
      model: { kind: 'resnet', depth: 8, width: [4, 8, 8, 16] },
      optimizer: { kind: 'adamw' },
      learningRate: 0.005,
    },
    engine: { threads: 2 },
  },
  'logits that are sent as float16': {
    data: { kind: 'synthetic', classes: 10, noise: 24 },
    exchange: { precision: 'float16' },
  },
  'the three largest logits sent': { data: { kind: 'synthetic', classes: 10, noise: 24 }, exchange: { topK: 3 } },
  'no exchange at all, one validation at the end': {
    student: { ...student, objective: task },
    teacher: { ...teacher, objective: task },
    evaluation: { everyEpochs: 5 },
  },
  'hints one way only, a window of 1, a learning rate in steps without a limit of the gradient': {
    student: { ...student, objective: taskAndPeer, clipNorm: null },
    teacher: { ...teacher, objective: task, clipNorm: null },
    schedule: { kind: 'multistep', milestones: [0.5, 0.9], factor: 0.5 },
    exchange: { window: 1 },
  },
  'no peer but an anchor, a window of 64, two threads': {
    student: { ...student, objective: taskAndAnchor },
    teacher: { ...teacher, objective: taskAndAnchor },
    exchange: { window: 64 },
    engine: { threads: 2 },
  },
  'a teacher that learns from the student, and no model from it': {
    student: { ...student, objective: task },
    teacher: { ...teacher, objective: taskAndPeer },
    exchange: { window: 1 },
    schedule: { kind: 'constant' },
  },
  'all images in one batch': {
    batchSize: 256,
    epochs: 24,
    warmupSteps: 0,
  },
  'one epoch, one stage, AdamW': {
    epochs: 1,
    batchSize: 8,
    student: { ...student, optimizer: { kind: 'adamw' }, learningRate: 0.01 },
    teacher: { ...teacher, optimizer: { kind: 'adamw' }, learningRate: 0.01 },
    evaluation: { everyEpochs: 2 },
    curriculum: { generations: 1 },
  },
  'promotion only of what is better, a run that ends by its patience': {
    curriculum: { generations: 4, promotion: 'if-better', patience: 1, minDelta: 0.5 },
  },
};

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

describe('four services end bit for bit as one process', () => {
  test('on Fashion-MNIST, and again when repeated', async () => {
    const expected = await expectTheSameBits(fashionMnist);
    const steps = ALL_CASES ? 200 : 40;
    expect(expected.map((each) => [each.stage, each.steps, each.promoted])).toEqual([
      [0, steps, true],
      [1, steps, false],
    ]);
    expect(await expectTheSameBits(fashionMnist)).toEqual(expected);
  });

  test('with another seed, in other weights', async () => {
    const [first, second] = [await expectTheSameBits(tiny), await expectTheSameBits({ ...tiny, seed: 1 })];
    for (const name of ['student', 'teacher']) {
      expect(second[0]?.learners[name]?.stateSha256).not.toBe(first[0]?.learners[name]?.stateSha256);
    }
  });

  test('when a stage ends by its patience', async () => {
    const spec: WrittenSpec = { ...tiny, epochs: 20, convergence: { patience: 2, minDelta: 0.01 } };
    const expected = await expectTheSameBits(spec);
    expect(expected.map(({ steps }) => steps).every((steps) => steps < 160)).toBe(true);
  });

  test('when a later student answers like chance, is not promoted, and the run goes on', async () => {
    const spec: WrittenSpec = {
      ...tiny,
      data: { kind: 'synthetic', noise: 56 },
      epochs: 1,
      curriculum: { generations: 3 },
    };
    const expected = await expectTheSameBits(spec);
    expect(expected.map(({ promoted }) => promoted)).toEqual([true, false, false]);
    expect(expected[1]?.learners['student']?.best.validation.metrics['accuracy']).toBeLessThan(0.4);
    expect(expected[2]?.frozen?.['anchor']?.validation).toEqual(expected[0]?.learners['student']?.best.validation);
  });

  test.for(Object.entries(SPECS))('with %s', async ([, changes]) => {
    await expectTheSameBits({ ...tiny, ...changes });
  });

  test('in verification, with two generations of trikd, whose student becomes the anchor', async () => {
    const expected = await expectTheSameBits(identities);
    expect(expected.map(({ promoted }) => promoted)).toEqual([true, false]);
    const { metrics } = expected[1]!.learners['student']!.best.test!;
    // Too few pairs for a false accept rate of 0.001.
    expect(Object.keys(metrics)).toEqual(['accuracy', 'tar1e-1', 'tar1e-2', 'retrieval']);
    expect(metrics['accuracy']).toBeGreaterThan(0.6);
  });

  test('in verification with kd, by cosine softmax and a teacher that is frozen', async () => {
    const { curriculum: _, ...rest } = identities;
    const expected = await expectTheSameBits({
      ...rest,
      method: 'kd',
      task: { kind: 'verification', embedding: 16, margin: { kind: 'softmax', scale: 16 } },
    });
    expect(expected.map(({ learners }) => Object.keys(learners))).toEqual([['teacher'], ['student']]);
    expect(expected[1]!.frozen?.['teacher']?.validation).toEqual(expected[0]!.learners['teacher']!.best.validation);
  });
});

test.each(casesOf([], ['emoji-identities']))(
  'drawn pictures of %s are verified better than by chance',
  async (name) => {
    const spec: WrittenSpec = {
      ...identities,
      name,
      task: { kind: 'verification', embedding: 32, margin: { kind: 'cosface', margin: 0.1, scale: 20 } },
      data: { kind: 'idx', name, split: 'identities', train: 1000, validation: 400, test: 400 },
      augment: { crop: 2 },
      engine: { threads: 2 },
    };
    const expected = await expectTheSameBits(spec);
    const { metrics } = expected[1]!.learners['student']!.best.test!;
    expect(metrics['accuracy']).toBeGreaterThan(0.6);
  },
);

describe('each method, in four services as in one process', () => {
  const weights = makeWeights();
  afterAll(async () => (await weights).remove());

  test.each(Object.keys(METHODS) as MethodRun[])('%s', async (name) => {
    await weights;
    const written: WrittenSpec = METHODS[name];
    const expected = await expectTheSameBits(written);
    const stages = stagesOf(RunSpec.parse(written));
    expect(expected.map(({ stage }) => stage)).toEqual([...stages.keys()]);
  });

  // The simulation kills all methods, and test/e2e/interruptions.test.ts the processes of TriKD.
  const killed = casesOf<MethodRun>([], Object.keys(METHODS) as MethodRun[]);
  test.each(killed)('%s, all processes killed in the last stage', async (name) => {
    await weights;
    const written: WrittenSpec = METHODS[name];
    const folder = scratch();
    const last = stagesOf(RunSpec.parse(written)).length - 1;
    const running = startRun(folder, written);
    await running.said(({ event, stage, step }) => event === 'committed' && stage === last && Number(step) >= 8);
    // Its parent first, which starts a service that is gone again.
    running.kill('SIGKILL');
    await running.ended;
    for (const { pid } of processesOf(folder)) process.kill(pid, 'SIGKILL');
    await expectNoProcess(folder, 10_000);
    const [continued, expected] = await Promise.all([run(folder, written), reference(written)]);
    expect(resultOf(continued)).toEqual({ phase: 'completed', stages: expected });
  });
});

// One replica of a student is killed at each of five places in test/faults/replica-kills.test.ts: here by `trikd run`.
test.each(casesOf([], ['replicas in processes of their own']))('%s, one of which is killed', async () => {
  const folder = scratch();
  const spec: WrittenSpec = { ...tiny, epochs: 12, student: { ...tiny.student, replicas: 2 } };
  const logs = join(folder, 'runs', tiny.name, 'logs', 'replica-1');
  const running = startRun(folder, spec);
  await running.said((line) => line.event === 'evaluation' && line.stage === 1);
  process.kill(pidOf('student-trainer', logs), 'SIGKILL');
  expect(await running.ended).toMatchObject({ status: 1 });
  const [ended, expected] = [await run(folder, spec), await reference(spec)];
  expect(resultOf(ended)).toEqual({ phase: 'completed', stages: expected });
  await expectNoProcess(folder);
});
