import { existsSync } from 'node:fs';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadParams } from '@trikd/core/checkpoint/blobs';
import { imageBytes } from '@trikd/core/data/image-source';
import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Comparison } from '@trikd/core/export/compare-outputs';
import type { ExportFiles, ExportFormat, ExportMetadata } from '@trikd/core/export/export-format';
import type { ModelGraph } from '@trikd/core/export/model-graph';
import type { Params } from '@trikd/core/models/params';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { datasetOf } from '../../run/data-limits.js';
import type { TaskProgress } from '../../run/task-process.js';
import type { Shell } from '../../terminal/shell.js';
import { size } from '../../terminal/texts.js';
import { openRun } from '../checkpoint/open-run.js';
import type { ModelExportOptions } from './command.js';
import { agreementTexts, modelCard } from './model-card.js';
import { type ExportSubject, exportSubject } from './subject.js';
import { tfliteModel } from './tflite.js';

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
  const { graphOfRun } = await import('@trikd/core/export/read-layers');
  const stage = stagesOf(spec)[subject.stage]!.name;
  const metadata = { run: runId, stage, participant: subject.learner, params: subject.params.sha256 };
  const { images, labels } = sampleOf(dataset);
  const expected = await checkpointOutputs(spec, dataset, subject, params, images);
  const graph = await graphOfRun(spec, dataset, subject.model, params);
  const { files, outputs } =
    format === 'tflite'
      ? await tfliteFiles(graph, images, options, env)
      : await computedFiles(format, graph, images, { precision, metadata, progress });
  const { compareOutputs, TOLERANCE } = await import('@trikd/core/export/compare-outputs');
  const checked = compareOutputs(
    outputs,
    expected,
    graph.output.size,
    graph.output.name === 'logits' ? labels : undefined,
  );
  if (precision === 'float32' && checked.difference > TOLERANCE) {
    throw new TrikdError('corrupt', `nothing was written: ${comparisonText(checked, graph)}`);
  }
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
function sampleOf(dataset: Dataset): { readonly images: Uint8Array; readonly labels: ArrayLike<number> } {
  const { test, validation } = dataset;
  const { images, labels } = test.count > 0 ? test : validation;
  return { images: images.subarray(0, CHECKED * imageBytes(dataset)), labels: labels.subarray(0, CHECKED) };
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

/** What is written, and what it computes for the images. */
interface Written {
  readonly files: ExportFiles;
  readonly outputs: Float32Array;
}

interface Settings {
  readonly precision: ModelExportOptions['precision'];
  readonly metadata: ExportMetadata;
  readonly progress: TaskProgress;
}

/** A LayersModel is loaded from its files; of other formats the layers that they are written from are computed. */
async function computedFiles(
  format: ExportFormat,
  graph: ModelGraph,
  images: Uint8Array,
  { precision, metadata, progress }: Settings,
): Promise<Written> {
  const { exportFiles } = await import('@trikd/core/export/write-export');
  const { layersModelFiles, layersModelOutputs, loadLayersModel } = await import('@trikd/core/export/layers-model');
  const files = await exportFiles(format, graph, precision, metadata);
  const model = await loadLayersModel(format === 'tfjs' ? files : await layersModelFiles(graph, precision));
  try {
    const outputs = await layersModelOutputs(model, graph, images, (done) => progress('checking', done, CHECKED));
    return { files, outputs };
  } finally {
    model.dispose();
  }
}

/** The file of TensorFlow's converter, as its interpreter computes it. */
async function tfliteFiles(
  graph: ModelGraph,
  images: Uint8Array,
  { precision, python }: ModelExportOptions,
  env: Shell['env'],
): Promise<Written> {
  const { savedModel } = await import('@trikd/core/export/saved-model');
  const request = { savedModel: savedModel(graph), graph, precision, images, python, env };
  const { bytes, outputs } = await tfliteModel(request);
  return { files: new Map([['model.tflite', bytes]]), outputs };
}

/** `checked on 256 images: logits at most 0.0000021 from those of the checkpoint, the same class for 256, ...` */
function comparisonText(checked: Comparison, { output }: ModelGraph): string {
  const { images, difference } = checked;
  const apart = `${output.name} at most ${difference.toPrecision(2)} from those of the checkpoint`;
  return [`checked on ${images} images: ${apart}`, ...agreementTexts(checked, output)].join(', ');
}

/** @throws TrikdError 'invalid' unless there is nothing at the path, or an empty folder: nothing is overwritten */
export async function assertFree(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const isFolder = (await stat(path)).isDirectory();
  if (isFolder && (await readdir(path)).length === 0) return;
  throw new TrikdError('invalid', `${path} is ${isFolder ? 'not empty' : 'not a folder'}: --out names another one`);
}

/** Makes a folder with files. */
export async function writeFolder(path: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await mkdir(path, { recursive: true });
  for (const [name, content] of files) await writeFile(join(path, name), content, { flag: 'wx' });
}
