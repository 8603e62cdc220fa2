import { type Scalar, type Tensor1D, type Tensor2D, tf } from '@trikd/engine';
import {
  crossEntropy,
  divergence,
  klToTarget,
  mean,
  numericalGradient,
  type Rows,
  softmax,
} from '@trikd/testing/training/reference-losses';
import { describe, expect, test } from 'vitest';
import type { TrainedRole } from '../domain/position.js';
import { peerOf } from '../domain/position.js';
import { type TermSpec } from '../spec/role-spec.js';
import { RunSpec } from '../spec/run-spec.js';
import { type Scheduled, valueAt } from '../spec/term-spec.js';
import { learnerOf, sourcesOf } from '../stages/stage.js';
import { stageAt } from '../stages/stages-of.js';
import { classification } from '../tasks/classification/classification.js';
import { partOf, termValue } from './objective.js';

const [ROWS, CLASSES] = [3, 4];
const labels = [2, 0, 3];
const own: Rows = [
  [0.5, -1, 2, 0.3],
  [1.5, 1, -0.5, 0],
  [-2, 0.1, 0.4, 1],
];
const peer: Rows = [
  [1, 0, 3, -1],
  [2.5, -1, 0, 0.5],
  [0, 0, -1, 2],
];
const anchor: Rows = [
  [0.2, 0.1, 1, 0],
  [1, 2, -1, -1],
  [0.5, -0.5, 0, 0.7],
];

const task = (weight = 1): TermSpec => ({ kind: 'task', weight });
const hint = (from: 'anchor' | 'peer', weight: number, temperature: number): TermSpec => ({
  kind: 'distillation',
  from,
  weight,
  temperature,
});

/** A run whose roles have these objectives. */
function specOf(objectives: Readonly<Record<TrainedRole, readonly TermSpec[]>>): RunSpec {
  const role = (objective: readonly TermSpec[]) => ({ model: { kind: 'plain-cnn', channels: [1] }, objective });
  const { student, teacher } = objectives;
  return RunSpec.parse({
    name: 'r',
    data: { kind: 'synthetic' },
    curriculum: { generations: 4 },
    epochs: 1,
    student: role(student),
    teacher: role(teacher),
  });
}

/** What a trainer of the role minimises in a stage, and its gradient with respect to its own logits. */
function trained(spec: RunSpec, role: TrainedRole, stageIndex: number) {
  const stage = stageAt(spec, stageIndex, stageIndex > 0);
  const learner = learnerOf(stage, role);
  const terms = learner.objective;
  const moment = { step: 0, totalSteps: 1, generation: stageIndex };
  const computed = tf.tidy(() => {
    const matrix = (rows: Rows) => tf.tensor2d(rows as number[][], [ROWS, CLASSES]);
    const targets = new Map([
      ['anchor', matrix(anchor)],
      [peerOf(role), matrix(peer)],
    ]);
    const loss = (logits: Tensor2D) => {
      const inputs = { task: classification, logits, labels: tf.tensor1d(labels, 'int32') as Tensor1D, targets };
      const weight = (term: TermSpec) => valueAt(term.weight, moment);
      const temperature = (term: TermSpec) =>
        tf.scalar(term.kind === 'task' ? 1 : valueAt(term.temperature as Scheduled, moment));
      return tf.addN(terms.map((term) => tf.mul(weight(term), termValue(term, inputs, temperature(term))))) as Scalar;
    };
    const { value, grad } = tf.valueAndGrad((logits) => loss(logits as Tensor2D))(matrix(own));
    return { value, grad };
  });
  const [value, gradient] = [computed.value.dataSync()[0]!, Array.from(computed.grad.dataSync())];
  tf.dispose(computed);
  return { value, gradient, hears: sourcesOf(stage, learner) };
}

/** Deep Mutual Learning for one of two networks (Zhang et al. 2018): CE + KL of the other's probabilities to the own. */
const mutual = (logits: Rows) =>
  crossEntropy(labels, logits) + mean(logits.map((row, i) => divergence(softmax(peer[i]!), softmax(row))));

/** Knowledge distillation (Hinton et al. 2015) with its two weights and T = 4. */
const distilled = (logits: Rows) => 0.1 * crossEntropy(labels, logits) + 0.9 * 16 * klToTarget(peer, logits, 4);

interface Reduction {
  readonly student: readonly TermSpec[];
  readonly teacher: readonly TermSpec[];
  readonly role: TrainedRole;
  readonly stage: number;
  readonly becomes: (logits: Rows) => number;
  readonly hears: readonly string[];
}

const triplet = [task(), hint('anchor', 0.7, 2), hint('peer', 0.4, 3)];

const reductions: Readonly<Record<string, Reduction>> = {
  'generation 0 at T = 1 is Deep Mutual Learning of the student': {
    student: [task(), hint('anchor', 1, 1), hint('peer', 1, 1)],
    teacher: triplet,
    role: 'student',
    stage: 0,
    becomes: mutual,
    hears: ['teacher'],
  },
  'generation 0 at T = 1 is Deep Mutual Learning of the teacher': {
    student: triplet,
    teacher: [task(), hint('peer', 1, 1), hint('anchor', 1, 1)],
    role: 'teacher',
    stage: 0,
    becomes: mutual,
    hears: ['student'],
  },
  'anchor weights of 0 are Deep Mutual Learning in any generation': {
    student: [task(), hint('anchor', 0, 1), hint('peer', 1, 1)],
    teacher: triplet,
    role: 'student',
    stage: 2,
    becomes: mutual,
    hears: ['anchor', 'teacher'],
  },
  'weights 0.1 and 0.9 at T = 4 are knowledge distillation': {
    student: [task(0.1), hint('peer', 0.9, 4)],
    teacher: [task()],
    role: 'student',
    stage: 0,
    becomes: distilled,
    hears: ['teacher'],
  },
  'a student that hears the anchor alone is a born-again network': {
    student: [task(), hint('anchor', 1, 1)],
    teacher: [task()],
    role: 'student',
    stage: 1,
    becomes: (logits) => crossEntropy(labels, logits) + klToTarget(anchor, logits, 1),
    hears: ['anchor'],
  },
  'a born-again student of generation 0 learns from the labels alone': {
    student: [task(), hint('anchor', 1, 1)],
    teacher: [task()],
    role: 'student',
    stage: 0,
    becomes: (logits) => crossEntropy(labels, logits),
    hears: [],
  },
  'a teacher without hints is that of one-way online distillation': {
    student: triplet,
    teacher: [task()],
    role: 'teacher',
    stage: 3,
    becomes: (logits) => crossEntropy(labels, logits),
    hears: [],
  },
  'a student beside an unanchored teacher is held by the anchor itself': {
    student: [task(), hint('anchor', 0.5, 2), hint('peer', 1, 2)],
    teacher: [task(), hint('peer', 1, 2)],
    role: 'student',
    stage: 1,
    becomes: (logits) =>
      crossEntropy(labels, logits) + 0.5 * 4 * klToTarget(anchor, logits, 2) + 4 * klToTarget(peer, logits, 2),
    hears: ['anchor', 'teacher'],
  },
  'an anchored teacher that is deaf to its student': {
    student: [task(), hint('peer', 1, 4)],
    teacher: [task(), hint('anchor', 0.3, 2)],
    role: 'teacher',
    stage: 1,
    becomes: (logits) => crossEntropy(labels, logits) + 0.3 * 4 * klToTarget(anchor, logits, 2),
    hears: ['anchor'],
  },
  'all six terms, each with its weight and its temperature': {
    student: triplet,
    teacher: [task(2), hint('peer', 0.2, 5), hint('anchor', 0.9, 1.5)],
    role: 'teacher',
    stage: 1,
    becomes: (logits) =>
      2 * crossEntropy(labels, logits) +
      0.2 * 25 * klToTarget(peer, logits, 5) +
      0.9 * 2.25 * klToTarget(anchor, logits, 1.5),
    hears: ['anchor', 'student'],
  },
};

describe.each(Object.entries(reductions))('%s', (_name, { student, teacher, role, stage, becomes, hears }) => {
  const result = trained(specOf({ student, teacher }), role, stage);

  test('in value', () => {
    expect(result.value).toBeCloseTo(becomes(own), 5);
  });

  test('in the gradient of the logits', () => {
    const expected = numericalGradient(becomes, own);
    expect(Math.max(...result.gradient.map((g, i) => Math.abs(g - expected[i]!)))).toBeLessThanOrEqual(1e-6);
  });

  test('in whom it hears', () => {
    expect(result.hears).toEqual(hears);
  });
});

test('a term is reported under the model it hears', () => {
  expect([task(), hint('anchor', 1, 1), hint('peer', 1, 1)].map(partOf)).toEqual(['task', 'anchor', 'peer']);
});
