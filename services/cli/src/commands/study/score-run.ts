import type { LabelledImages } from '@trikd/core/data/image-source';
import type { Dataset } from '@trikd/core/data/split';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import type { Params } from '@trikd/core/models/params';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { answerOf } from '@trikd/core/tasks/classification/answer';
import { classificationMeter } from '@trikd/core/tasks/classification/score-meter';
import { taskOf } from '@trikd/core/tasks/task-of';
import { type JudgedModel, openJudged } from '@trikd/core/training/judge';
import { stageOf } from '../../run/participants.js';
import { stepCosts } from './compute.js';
import type { Row } from './results-file.js';
import { type TrainedStage, trainedResult } from './trained-run.js';

/** What a row says of a run that has been trained, whatever it took. */
export type ScoredRun = Pick<Row, 'result' | 'stages' | 'compute'>;

/** Scores the result of a run on all splits. @param load the params of a blob */
export async function scoredRun(
  spec: RunSpec,
  dataset: Dataset,
  stages: readonly TrainedStage[],
  load: (blob: Blob) => Promise<Params>,
): Promise<ScoredRun> {
  const { stage, learner, best } = trainedResult(spec, stages);
  const model = await openJudged(spec, dataset, learner.model, await load(best.params));
  try {
    const found = { stage: stage.name, step: best.step, params: best.params.sha256 };
    const costs = stepCosts(spec, { ...dataset, train: dataset.train.count });
    return {
      result: { ...found, ...(await scores(spec, dataset, model)) },
      stages: stages.map((each) => stageRow(spec, each)),
      compute: stages.reduce(
        (sum, { stage: stageIndex, steps }) => sum + steps * costs[stageOf(spec, stageIndex).name]!,
        0,
      ),
    };
  } finally {
    await model.close();
  }
}

function stageRow(spec: RunSpec, { stage, steps, learners }: TrainedStage): Row['stages'][number] {
  const rows = Object.entries(learners).flatMap(([name, { best }]) => {
    if (!best) return [];
    const { step, validation, test } = best;
    return [[name, { step, validation: validation.metrics, ...(test && { test: test.metrics }) }] as const];
  });
  return { name: stageOf(spec, stage).name, steps, learners: Object.fromEntries(rows) };
}

type Scores = Pick<Row['result'], 'train' | 'validation' | 'test' | 'calibrated'>;

async function scores(spec: RunSpec, dataset: Dataset, model: JudgedModel): Promise<Scores> {
  const scored = async (split: 'train' | 'validation' | 'test') => ({ ...(await model.score(split)).metrics });
  const plain = { train: await scored('train'), validation: await scored('validation'), test: await scored('test') };
  if (taskOf(spec).kind !== 'classification') return plain;
  const logits = async ({ images }: LabelledImages) => (await model.outputs(images.subarray(0, images.length))).logits!;
  const temperature = bestTemperature({ logits: await logits(dataset.validation), labels: dataset.validation.labels });
  const meter = classificationMeter(dataset.classes);
  meter.add(atTemperature(await logits(dataset.test), temperature), dataset.test.labels);
  return { ...plain, calibrated: { temperature, test: { ...meter.score().metrics } } };
}

/** Rows of logits and their labels. */
export interface Answers {
  /** [rows, classes] */
  readonly logits: Float32Array;
  readonly labels: ArrayLike<number>;
}

/** Temperatures that are tried. */
const [COLDEST, HOTTEST] = [0.05, 20];

/** Width, in nats of the temperature's logarithm, at which the search ends. */
const CLOSE = 1e-4;

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * The temperature that logits must be divided by for the lowest mean negative log-likelihood (temperature scaling; Guo et al., *On
 * calibration of modern neural networks*, ICML 2017). The likelihood has one maximum in 1/T; golden-section search over its logarithm finds it.
 */
export function bestTemperature({ logits, labels }: Answers): number {
  const classes = logits.length / labels.length;
  const scaled = new Float32Array(classes);
  const nll = (logarithm: number) => {
    const temperature = Math.exp(logarithm);
    let sum = 0;
    for (let row = 0; row < labels.length; row++) {
      for (let index = 0; index < classes; index++) scaled[index] = logits[row * classes + index]! / temperature;
      sum += answerOf(scaled, labels[row]!).nll;
    }
    return sum;
  };
  return Math.exp(lowest(nll, Math.log(COLDEST), Math.log(HOTTEST)));
}

/** Where a function with one minimum has it. */
function lowest(f: (x: number) => number, from: number, to: number): number {
  let [low, high] = [from, to];
  let [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
  let [atLeft, atRight] = [f(left), f(right)];
  while (high - low > CLOSE) {
    if (atLeft <= atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - GOLDEN * (high - low);
      atLeft = f(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + GOLDEN * (high - low);
      atRight = f(right);
    }
  }
  return (low + high) / 2;
}

/** Logits at another temperature. */
export function atTemperature(logits: Float32Array, temperature: number): Float32Array {
  return logits.map((logit) => logit / temperature);
}
