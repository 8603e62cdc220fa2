import { totalSteps } from '@trikd/core/data/batch-plan';
import type { LabelledImages } from '@trikd/core/data/image-source';
import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import { decided, type ReferenceResult, runReference } from '@trikd/core/reference/reference';
import { bestStage } from '@trikd/core/run/promotion';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { classificationMeter } from '@trikd/core/tasks/classification/score-meter';
import { taskOf } from '@trikd/core/tasks/task-of';
import { type JudgedModel, openJudged } from '@trikd/core/training/judge';
import { readNumerics } from '@trikd/model-host/numerics/read-numerics';
import { systemClock } from '@trikd/process/system-clock';
import { learnerAt, stageOf } from '../participants.js';
import { datasetOf } from '../run-data.js';
import type { TaskProgress } from '../task-process.js';
import { atTemperature, bestTemperature } from './calibration.js';
import { stepCosts } from './compute.js';
import { heldParams } from './held-params.js';
import type { Row } from './row.js';

/** The run of a cell, as its process gets it. */
export interface CellOptions {
  /** A spec. */
  readonly spec: unknown;
}

/** What the process of a cell knows of its row. */
export type CellResult = Pick<Row, 'numerics' | 'result' | 'stages' | 'compute' | 'processorSeconds' | 'seconds'>;

/** Milliseconds between two reports of progress. */
const REPORT_EVERY = 500;

/**
 * Trains a run in this process, whose params are those of the services bit for bit, and scores its result on all splits. Returns a
 * `CellResult` as JSON.
 */
export async function trainCell(
  { spec: parsed }: CellOptions,
  env: Readonly<Record<string, string | undefined>>,
  progress: TaskProgress,
): Promise<string> {
  const spec = RunSpec.parse(parsed);
  const dataset = await datasetOf(spec, env);
  const { save, load } = heldParams();
  const started = { wall: performance.now(), processor: process.cpuUsage() };
  const stages: ReferenceResult[] = [];
  const emit = reporter(spec, dataset, () => stages.length, progress);
  for await (const stage of runReference({ spec, dataset, save, load, emit, clock: systemClock })) stages.push(stage);
  const { user, system } = process.cpuUsage(started.processor);
  const spent = { seconds: (performance.now() - started.wall) / 1e3, processorSeconds: (user + system) / 1e6 };

  const index = bestStage(stages.map(decided), spec);
  if (index === undefined) throw new TrikdError('corrupt', `run ${spec.name} has no result`);
  const { decisive, name: stage } = stageOf(spec, index);
  const best = stages[index]!.learners[decisive]!.best!;
  const model = await openJudged(spec, dataset, learnerAt(spec, index, decisive).model, await load(best.params));
  try {
    const result = { stage, step: best.step, params: best.params.sha256, ...(await scores(spec, dataset, model)) };
    const costs = stepCosts(spec, { ...dataset, train: dataset.train.count });
    const compute = stages.reduce(
      (sum, { generation, steps }) => sum + steps * costs[stageOf(spec, generation).name]!,
      0,
    );
    const { tensorflow, processor } = readNumerics(env)(spec.engine);
    const numerics = `TensorFlow ${tensorflow}, ${processor}`;
    const outcome: CellResult = {
      numerics,
      result,
      stages: stages.map((each) => stageRow(spec, each)),
      compute,
      ...spent,
    };
    return JSON.stringify(outcome);
  } finally {
    await model.close();
  }
}

/** Reports the steps of a run that are done, of all that it can have. */
function reporter(spec: RunSpec, dataset: Dataset, ended: () => number, progress: TaskProgress) {
  const lengths = stagesOf(spec).map(({ epochs }) => totalSteps(dataset.train.count, spec.batchSize, epochs));
  const all = lengths.reduce((sum, steps) => sum + steps, 0);
  let last = Number.NEGATIVE_INFINITY;
  return (_: unknown, event: { readonly kind: string; readonly progress?: { readonly nextStep: number } }) => {
    const now = performance.now();
    if (event.kind !== 'progress' || !event.progress || now - last < REPORT_EVERY) return;
    last = now;
    const before = lengths.slice(0, ended()).reduce((sum, steps) => sum + steps, 0);
    progress(spec.name, before + event.progress.nextStep, all);
  };
}

function stageRow(spec: RunSpec, { generation, steps, learners }: ReferenceResult): Row['stages'][number] {
  const rows = Object.entries(learners).flatMap(([name, { best }]) => {
    if (!best) return [];
    const { step, validation, test } = best;
    return [[name, { step, validation: validation.metrics, ...(test && { test: test.metrics }) }] as const];
  });
  return { name: stageOf(spec, generation).name, steps, learners: Object.fromEntries(rows) };
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
