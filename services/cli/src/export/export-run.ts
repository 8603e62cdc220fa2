import { loadParams } from '@trikd/core/checkpoint/blobs';
import { imageBytes } from '@trikd/core/data/image-source';
import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Comparison } from '@trikd/core/export/compare-outputs';
import type { ExportFiles, ExportFormat } from '@trikd/core/export/export-format';
import type { ModelGraph } from '@trikd/core/export/model-graph';
import type { Params } from '@trikd/core/models/params';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { openRun } from '../checkpoint/open-run.js';
import { datasetOf } from '../run-data.js';
import type { Shell } from '../shell.js';
import type { TaskProgress } from '../task-process.js';
import { size } from '../texts.js';
import type { ModelExportOptions } from './command.js';
import { modelCard } from './model-card.js';
import { assertFree, writeFolder } from './output-folder.js';
import { type ExportSubject, exportSubject } from './subject.js';

/** Images that an export is checked on, at most. */
const CHECKED = 256;

/** Name of the model card: hosts of models show it beside the files. */
const CARD = 'README.md';

/** `trikd export`. Returns the text to print. @throws TrikdError for everything that a user can correct */
export async function exportRun(
  options: ModelExportOptions,
  env: Shell['env'],
  progress: TaskProgress,
): Promise<string> {
  const { runId, from, format, precision, out } = options;
  await assertFree(out);
  const run = await openRun(runId, from, env);
  const { spec } = run;
  const subject = await exportSubject(run, options);
  const dataset = await datasetOf(spec, env);
  const params = await loadParams(run.store, subject.params);
  // TensorFlow takes a second to load, and no other command needs it.
  const { graphOfRun } = await import('@trikd/core/export/graph-of-run');
  const { exportFiles } = await import('@trikd/core/export/write-export');
  const stage = stagesOf(spec)[subject.stage]!.name;
  const metadata = { run: runId, stage, participant: subject.learner, params: subject.params.sha256 };
  const images = sampleOf(dataset);
  const expected = await checkpointOutputs(spec, dataset, subject, params, images);
  const graph = await graphOfRun(spec, dataset, subject.model, params);
  const files = await exportFiles(format, graph, precision, metadata);
  const checked = await compared(format, graph, files, { images, expected, precision }, (done) =>
    progress('checking', done, CHECKED),
  );
  const card = modelCard({ run, subject, dataset, graph, options, checked });
  const all = new Map([...files, [CARD, Buffer.from(card)]]);
  await writeFolder(out, all);
  return [
    `${subject.learner} of stage ${stage}, ${options.params} params of step ${subject.step}: ${out}`,
    ...[...all].map(([name, content]) => `  ${name}, ${size(content.length)}`),
    comparisonText(checked, graph),
  ].join('\n');
}

/** The first images of the test split: the run trained on none of them. */
function sampleOf(dataset: Dataset): Uint8Array {
  const { test, validation } = dataset;
  const { images } = test.count > 0 ? test : validation;
  return images.subarray(0, CHECKED * imageBytes(dataset));
}

async function checkpointOutputs(
  spec: RunSpec,
  dataset: Dataset,
  { model }: ExportSubject,
  params: Params,
  images: Uint8Array,
): Promise<Float32Array> {
  const { openJudged } = await import('@trikd/core/training/judge');
  const judged = await openJudged(spec, dataset, model, params);
  try {
    const { logits, embedding } = await judged.outputs(images);
    return embedding ?? logits!;
  } finally {
    await judged.close();
  }
}

interface Expected {
  readonly images: Uint8Array;
  /** Outputs of the checkpoint. */
  readonly expected: Float32Array;
  readonly precision: ModelExportOptions['precision'];
}

/**
 * Compares the outputs of what is exported with those of the checkpoint. A LayersModel is loaded from its files; of other formats the
 * layers that they were written from are computed.
 * @throws TrikdError 'corrupt' when they are too far apart
 */
async function compared(
  format: ExportFormat,
  graph: ModelGraph,
  files: ExportFiles,
  { images, expected, precision }: Expected,
  done: (images: number) => void,
): Promise<Comparison> {
  const { layersModelFiles, layersModelOutputs, loadLayersModel } = await import('@trikd/core/export/layers-model');
  const { compareOutputs, TOLERANCE } = await import('@trikd/core/export/compare-outputs');
  const model = await loadLayersModel(format === 'tfjs' ? files : await layersModelFiles(graph, precision));
  try {
    const outputs = await layersModelOutputs(model, graph, images, done);
    const checked = compareOutputs(outputs, expected, graph.output.size);
    if (precision === 'float16' || checked.difference <= TOLERANCE) return checked;
    throw new TrikdError('corrupt', `nothing was written: ${comparisonText(checked, graph)}`);
  } finally {
    model.dispose();
  }
}

/** `checked on 256 images: logits at most 0.0000021 apart, the same class for 256 of them` */
function comparisonText({ images, difference, agreeing }: Comparison, { output }: ModelGraph): string {
  const apart = `checked on ${images} images: ${output.name} at most ${difference.toPrecision(2)} from those of the checkpoint`;
  return output.name === 'embedding' ? apart : `${apart}, the same class for ${agreeing}`;
}
