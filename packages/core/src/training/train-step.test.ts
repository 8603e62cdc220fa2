import { Engine } from '@trikd/engine';
import { expect, test } from 'vitest';
import { makeBatch } from '../data/batch.js';
import { generationPlan } from './generation-plan.js';
import { traceTrainer } from './role-program.js';
import { aloneSpec, lonePorts, tinyDataset } from './testing/tiny-run.js';
import { type Learner, trainStep } from './train-step.js';

const spec = aloneSpec();
const dataset = tinyDataset(spec);
const terms = spec.student.objective;
const program = traceTrainer({ spec, dataset, generation: 0 }, 'student', terms);

async function openLearner(): Promise<Learner> {
  const session = await (await Engine.open(spec.engine)).load(program);
  const attempt = { runId: spec.name, generation: 0, attempt: 1 };
  const plan = generationPlan(spec, dataset.train.count);
  return { spec, role: 'student', attempt, terms, dataset, session, plan, ports: lonePorts().ports };
}

const batch = makeBatch(dataset, spec, 0, 0);

test('a run that fails before it has sent its logits fails the step, which would wait for them for ever', async () => {
  const learner = await openLearner();
  const short = { ...batch, labels: batch.labels.subarray(1) };
  await expect(trainStep(learner, short, () => {})).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: 'train.labels: expected 16 values for [16], got 15',
  });
  await learner.session.close();
});

test('the work for meanwhile is done once, before the logits are taken', async () => {
  const learner = await openLearner();
  const order: string[] = [];
  const publish = async () => void order.push('published');
  await trainStep({ ...learner, ports: { ...learner.ports, publish } }, batch, () => order.push('meanwhile'));
  expect(order).toEqual(['meanwhile', 'published']);
  await learner.session.close();
});

test('the task loss is reported at weight 1, whatever its weight', async () => {
  const losses = await Promise.all(
    [1, 0.25].map(async (weight) => {
      const learner = await openLearner();
      const report = await trainStep({ ...learner, terms: [{ kind: 'task', weight }] }, batch, () => {});
      await learner.session.close();
      return { weighted: report.values.terms[0]!.value, plain: report.taskLoss };
    }),
  );
  expect(losses[1]!.plain).toBeCloseTo(losses[0]!.plain, 6);
  expect(losses[1]!.weighted).toBeCloseTo(0.25 * losses[0]!.weighted, 6);
});
