import { fileURLToPath } from 'node:url';
import { activationBytes, modelCost, trainingBytes } from '@trikd/core/models/model-cost';
import { learnerOf } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import { taskOf } from '@trikd/core/tasks/task-of';
import { datasetFor } from '@trikd/testing/specs/spec-for';
import { startLineProcess } from '../line-process.ts';
import { summarise } from '../statistics.ts';
import type { Sample } from './fit.ts';
import { type LearnerSettings, specOf } from './learner-spec.ts';

const SWEEP: readonly LearnerSettings[] = [
  { depth: 8, width: 16, batchSize: 32, classes: 10 },
  { depth: 8, width: 16, batchSize: 128, classes: 10 },
  { depth: 8, width: 16, batchSize: 256, classes: 100 },
  { depth: 8, width: 16, batchSize: 128, classes: 1000 },
  { depth: 8, width: 16, batchSize: 128, classes: 10_000 },
  { depth: 14, width: 16, batchSize: 64, classes: 100 },
  { depth: 20, width: 16, batchSize: 32, classes: 100 },
  { depth: 20, width: 16, batchSize: 128, classes: 100 },
  { depth: 20, width: 16, batchSize: 64, classes: 1000 },
  { depth: 8, width: 32, batchSize: 64, classes: 100 },
  { depth: 14, width: 32, batchSize: 32, classes: 10 },
  { depth: 8, width: 64, batchSize: 32, classes: 100 },
  { depth: 8, width: 16, batchSize: 32, classes: 10, side: 64 },
];
const WARMUP = 3;
const STEPS = 10;
/** Times that the sweep is measured: a machine may be slower for a minute. */
const ROUNDS = 5;

/** Steps, memory and batches of one learner in a process of its own, with two threads, over sizes of everything. */
export async function measureLearners() {
  const rounds: (readonly Measured[])[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const each: Measured[] = [];
    for (const settings of SWEEP) each.push(await measured(settings));
    rounds.push(each);
  }
  const points = SWEEP.map((settings) => ({ what: nameOf(settings), at: sizesOf(settings) }));
  const samples = (value: keyof Measured): Sample[] =>
    points.map((point, index) => ({
      ...point,
      // Whatever else the machine does only adds to it.
      value: Math.min(...rounds.map((each) => each[index]![value])),
    }));
  return { steps: samples('step'), memory: samples('peak'), batches: samples('batch') };
}

/** Milliseconds of the fastest step and batch, and bytes. */
interface Measured {
  readonly step: number;
  readonly batch: number;
  readonly peak: number;
}

async function measured(settings: LearnerSettings): Promise<Measured> {
  const learner = startLineProcess(process.execPath, [fileURLToPath(new URL('learner.ts', import.meta.url))]);
  await learner.ask(`setup ${JSON.stringify(settings)}`);
  await learner.ask(`step ${WARMUP}`);
  const { ms, peak } = (await learner.ask(`step ${STEPS}`)) as { ms: number[]; peak: number };
  const made = (await learner.ask(`data ${STEPS}`)) as { ms: number[] };
  await learner.end();
  const [step, batch] = [summarise(ms).min, summarise(made.ms).min];
  const line = `${step.toFixed(1)} ms a step, ${batch.toFixed(2)} a batch, ${(peak / 1e6).toFixed(0)} MB`;
  console.log(`${nameOf(settings)}: ${line}`);
  return { step, batch, peak };
}

function nameOf({ depth, width, batchSize, classes, side = 32 }: LearnerSettings): string {
  return `ResNet-${depth}, width ${width}, ${side}x${side}, ${classes} classes, batch ${batchSize}`;
}

/** What costs are thought to grow with. */
function sizesOf(settings: LearnerSettings): Sample['at'] {
  const spec = specOf(settings);
  const dataset = datasetFor(spec);
  const { model, optimizer } = learnerOf(stageAt(spec, 0, false), 'student');
  const cost = modelCost(model, dataset, taskOf(spec).head(dataset));
  const { batchSize, classes } = settings;
  return {
    multiplyAdds: batchSize * cost.multiplyAdds,
    activations: batchSize * cost.activations,
    logits: batchSize * classes,
    modelBytes: trainingBytes(cost, optimizer),
    activationBytes: activationBytes(cost, batchSize),
    frameBytes: 4 * batchSize * classes,
    imageBytes: batchSize * dataset.height * dataset.width * dataset.channels,
  };
}
