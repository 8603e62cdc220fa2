import type { Dataset } from '@trikd/core/data/split';
import type { Comparison } from '@trikd/core/export/compare-outputs';
import type { ModelGraph } from '@trikd/core/export/model-graph';
import { weightsOf } from '@trikd/core/export/model-graph';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { measured } from '@trikd/core/tasks/metrics';
import { metricText, scoreText } from '@trikd/events/metric-text';
import type { OpenRun } from '../checkpoint/open-run.js';
import { yaml } from '../texts.js';
import { agreementTexts } from './agreement.js';
import type { ModelExportOptions } from './command.js';
import type { ExportSubject } from './subject.js';
import { usage } from './usage.js';

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
    .filter(({ generation }) => generation <= stage)
    .flatMap(({ generation, learners, promoted }) =>
      Object.entries(learners).map(([name, { best }]) => [
        stagesOf(spec)[generation]!.name,
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
