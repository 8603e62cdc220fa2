import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { backwardPasses } from '../losses/gated-terms.js';
import type { GateSpec } from '../spec/term-spec.js';
import { learnerOf } from '../stages/stage.js';
import { stageAt } from '../stages/stages-of.js';
import { traceTrainer } from './role-program.js';

/** A student's program with a gate on each of its two hints: its operations by type, and the backward passes that are announced. */
function traced(gates: readonly (GateSpec['kind'] | undefined)[] = []) {
  const objective = [
    { kind: 'task' as const },
    ...(['anchor', 'peer'] as const).map((from, index) => {
      const kind = gates[index];
      return { kind: 'distillation' as const, from, ...(kind && { gate: { kind } }) };
    }),
  ];
  const spec = specFor('tiny', { student: { model: { kind: 'resnet', depth: 8, width: 4 }, objective } });
  const stage = stageAt(spec, 1, true);
  const learner = learnerOf(stage, 'student');
  const { operations } = traceTrainer({ spec, dataset: datasetFor(spec) }, stage, learner);
  return { operations, passes: backwardPasses(learner.objective) };
}

const FORWARD = ['Conv2D', 'FusedBatchNormV3', 'Relu'];
const BACKWARD = ['Conv2DBackpropInput', 'Conv2DBackpropFilter', 'FusedBatchNormGradV3', 'ReluGrad'];
const UPDATE = ['ResourceApplyMomentum'];

const counts = ({ operations }: ReturnType<typeof traced>, types: readonly string[]) =>
  types.map((type) => operations.get(type));

const ungated = traced();

test.each<[string, readonly (GateSpec['kind'] | undefined)[], number]>([
  ['on the params of one hint of two: task, gated hint, other hint', ['params-similarity'], 3],
  ['on the params of both hints: task and each hint', ['params-similarity', 'params-similarity'], 3],
  ['on the logits: one for everything', ['logits-similarity', 'logits-similarity'], 1],
  ['on params and logits: task, gated hint, other hint', ['logits-similarity', 'params-similarity'], 3],
])('gates cost backward passes alone, %s', (_name, gates, passes) => {
  const gated = traced(gates);
  expect([ungated.passes, gated.passes]).toEqual([1, passes]);
  expect(counts(gated, FORWARD)).toEqual(counts(ungated, FORWARD));
  expect(counts(gated, UPDATE)).toEqual(counts(ungated, UPDATE));
  expect(counts(gated, BACKWARD)).toEqual(counts(ungated, BACKWARD).map((count) => passes * count!));
});
