import type { Dataset } from '@trikd/core/data/split';
import type { Comparison } from '@trikd/core/export/compare-outputs';
import { type ModelGraph, weightsOf } from '@trikd/core/export/model-graph';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { measured } from '@trikd/core/tasks/metrics';
import { metricText, scoreText } from '@trikd/events/names';
import { yaml } from '../../terminal/texts.js';
import type { OpenRun } from '../checkpoint/open-run.js';
import type { FileFormat, ModelExportOptions } from './command.js';
import type { ExportSubject } from './subject.js';

/** What a model card tells of. */
export interface Exported {
  readonly run: Pick<OpenRun, 'spec' | 'state'>;
  readonly subject: ExportSubject;
  readonly dataset: Dataset;
  readonly graph: ModelGraph;
  readonly options: Pick<ModelExportOptions, 'format' | 'precision' | 'params'>;
  readonly checked: Comparison;
}

/** The model card, in Markdown: where a model comes from, what goes in and what comes out, how good it is. It has no date. */
export function modelCard({ run, subject, dataset, graph, options, checked }: Exported): string {
  const { spec } = run;
  const { learner, model, params, step } = subject;
  const stage = stagesOf(spec)[subject.stage]!;
  const { height, width, channels } = graph.image;
  const { format, precision } = options;
  return `# ${spec.name}: ${learner} of stage ${stage.name}

${table(
  ['', ''],
  [
    ['run', spec.name],
    ['stage', `${stage.name}, the ${ordinal(subject.stage)} of ${stagesOf(spec).length}`],
    ['participant', learner],
    ['model', JSON.stringify(model)],
    ['params', `${options.params}, after step ${step} of the stage: ${count(graph).toLocaleString('en')} numbers`],
    ['SHA-256 of the params', `\`${params.sha256}\``],
    ['format', `${format}, kernels in ${precision}`],
  ],
)}

## Use

${usage(format, graph)}

## Input and output

Images of ${height} x ${width} pixels with ${channels} channel${channels === 1 ? '' : 's'}, values 0 to 255. Do not normalise them:
the model computes pixel · scale + shift itself, from the mean and the standard deviation of the training images.

${table(
  ['channel', 'mean of 0..1', 'standard deviation', 'scale', 'shift'],
  graph.scale.map((scale, channel) =>
    [channel, dataset.mean[channel]!, dataset.std[channel]!, scale, graph.shift[channel]!].map(String),
  ),
)}

${
  graph.output.name === 'logits'
    ? `The output is one logit for each of ${graph.output.size} classes, in the order of the labels. Softmax turns logits into probabilities.`
    : `The output is an embedding of ${graph.output.size} numbers. Compare two embeddings by the cosine of the angle between them.`
}

## Results

${resultsText(subject)}

Checked on ${checked.images} images: the outputs of the exported layers are at most ${checked.difference.toPrecision(2)} from those of the checkpoint${agreementTexts(
    checked,
    graph.output,
  )
    .map((text) => `, ${text}`)
    .join('')}.

## Data

${table(
  ['', ''],
  [
    ['source', JSON.stringify(spec.data)],
    [
      'images',
      `${dataset.train.count} to train, ${dataset.validation.count} to validate, ${dataset.test.count} to test`,
    ],
    ['classes of the training images', String(dataset.classes)],
    ['SHA-256 of the training images', `\`${dataset.digest}\``],
  ],
)}

## Lineage

${lineage(run, subject)}

## Configuration

\`\`\`yaml
${yaml(spec)}
\`\`\`
`;
}

function resultsText({ scores }: ExportSubject): string {
  const rows = Object.entries(scores).flatMap(([split, score]) =>
    measured(score.metrics).map(({ metric, value }) => [
      split,
      metric.label,
      metricText(metric, value),
      String(score.examples),
    ]),
  );
  if (rows.length === 0) return 'The run did not evaluate these params.';
  return table(['split', 'metric', 'value', 'examples'], rows);
}

/** The stages up to that of the model, with what each reached. */
function lineage({ spec, state }: Pick<OpenRun, 'spec' | 'state'>, { stage }: ExportSubject): string {
  const rows = state.results
    .filter(({ stage: stageIndex }) => stageIndex <= stage)
    .flatMap(({ stage: stageIndex, learners, promoted }) =>
      Object.entries(learners).map(([name, { best }]) => [
        stagesOf(spec)[stageIndex]!.name,
        name,
        scoreText(best.validation.metrics),
        promoted ? 'yes' : 'no',
        `\`${best.params.sha256}\``,
      ]),
    );
  if (rows.length === 0) return 'No stage of the run had ended.';
  return table(['stage', 'learner', 'best validation', 'stage promoted', 'SHA-256 of the params'], rows);
}

/** Numbers in all params. */
function count({ nodes }: ModelGraph): number {
  return nodes.flatMap(({ operation }) => weightsOf(operation)).reduce((sum, { data }) => sum + data.length, 0);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function ordinal(index: number): string {
  const names = ['first', 'second', 'third'];
  return names[index] ?? `${index + 1}th`;
}

/** How a program reads the files of a format, in Markdown. */
function usage(format: FileFormat, { image, output }: ModelGraph): string {
  const { height, width, channels } = image;
  const last = `${height}, ${width}, ${channels}`;
  switch (format) {
    case 'onnx':
      return `ONNX, opset 17. \`images\` is uint8 [batch, ${last}], \`${output.name}\` is float32 [batch, ${output.size}].

\`\`\`python
import onnxruntime

session = onnxruntime.InferenceSession('model.onnx')
(${output.name},) = session.run(None, {'images': images})
\`\`\``;
    case 'tfjs':
      return `A LayersModel of TensorFlow.js. Its input is float32 [batch, ${last}] with values 0 to 255, its output is ${output.name} [batch, ${output.size}].

\`\`\`js
const model = await tf.loadLayersModel('model.json');
const ${output.name} = model.predict(tf.browser.fromPixels(image, ${channels}).toFloat().expandDims());
\`\`\``;
    case 'savedmodel':
      return `A TensorFlow SavedModel. \`images\` is uint8 [batch, ${last}], \`${output.name}\` is float32 [batch, ${output.size}].

\`\`\`python
import tensorflow as tf

model = tf.saved_model.load('.').signatures['serving_default']
${output.name} = model(images=images)['${output.name}']
\`\`\``;
    case 'tflite':
      return `A TFLite model for one image at a time. Its input is uint8 [1, ${last}], its output is ${output.name}, float32 [1, ${output.size}].

\`\`\`python
from ai_edge_litert.interpreter import Interpreter

run = Interpreter('model.tflite')
run.allocate_tensors()
run.set_tensor(run.get_input_details()[0]['index'], image[None])
run.invoke()
${output.name} = run.get_tensor(run.get_output_details()[0]['index'])
\`\`\``;
    case 'pytorch':
      return `A PyTorch module, which needs the packages torch and safetensors. Images are [batch, ${channels}, ${height}, ${width}], uint8 or float.

\`\`\`python
import model

net = model.load()
${output.name} = net(images)
\`\`\``;
    case 'safetensors':
      return `The params by PyTorch's names and in its layouts, for a module of your own; the format \`pytorch\` includes one. The module
has to compute pixel · scale + shift itself and to pad as TensorFlow does: a convolution with stride 2 gets one more row and column after
the image than before it. A dense layer after images reads rows, columns, channels, in this order. In int8 a kernel \`<name>\` is to be multiplied by \`<name>_scale\`.`;
  }
}

/** `the same class for 255`, `the right one for 240, with the checkpoint for 241`: what a lower precision costs; nothing of a model without classes. */
export function agreementTexts(
  { agreeing, right }: Comparison,
  { name }: Pick<ModelGraph['output'], 'name'>,
): readonly string[] {
  if (name !== 'logits') return [];
  const same = `the same class for ${agreeing}`;
  return right ? [same, `the right one for ${right.exported}, with the checkpoint for ${right.expected}`] : [same];
}
