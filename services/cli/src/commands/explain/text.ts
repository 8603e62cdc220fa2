import type { TermSpec } from '@trikd/core/spec/role-spec';
import { dependsOnTemperature } from '@trikd/core/spec/term-spec';
import { originText, type Ref } from '@trikd/core/stages/origin';
import Table from 'cli-table3';
import type { Explained, ExplainedModel, ExplainedStage } from './explain.js';

/** The stages of a run, for people: a drawing of each, then a table of what they cost. */
export function explainedText(explained: Explained): string {
  const { run, method, stages, mayEndEarly, problem } = explained;
  const count = stages.length === 1 ? '1 stage' : `${mayEndEarly ? 'at most ' : ''}${stages.length} stages`;
  const groups = alikeStages(stages);
  return [
    `run ${run}: ${method === undefined ? '' : `method ${method}, `}${count}`,
    ...groups.map((group) => ['', ...stageLines(group)].join('\n')),
    '',
    costTable(explained, groups),
    totalLine(explained),
    ...(problem === undefined ? [] : [`the data could not be read: ${problem}`]),
  ].join('\n');
}

/** Stages that follow each other and are the same but for their names. */
interface Group {
  readonly names: string;
  readonly count: number;
  readonly stage: ExplainedStage;
}

function alikeStages(stages: readonly ExplainedStage[]): readonly Group[] {
  const groups: { readonly stages: ExplainedStage[]; readonly like: string }[] = [];
  for (const stage of stages) {
    const { name: _, generation: _g, ...rest } = stage;
    const like = JSON.stringify(rest);
    const last = groups.at(-1);
    if (last?.like === like) last.stages.push(stage);
    else groups.push({ stages: [stage], like });
  }
  return groups.map(({ stages: [first, ...others] }) => {
    const last = others.at(-1);
    const names = last ? `${first!.name} to ${last.name}` : first!.name;
    return { names, count: 1 + others.length, stage: first! };
  });
}

function stageLines({ names, count, stage }: Group): readonly string[] {
  const { epochs, steps, mayEndEarly } = stage;
  const length = [
    `${mayEndEarly ? 'at most ' : ''}${counted(epochs, 'epoch')}`,
    ...(steps === undefined ? [] : [counted(steps, 'step')]),
  ];
  return [
    `${names}: ${count > 1 ? 'each ' : ''}${length.join(', ')}`,
    ...drawing(stage),
    ...initLines(stage),
    ...replicaLines(stage),
  ];
}

/** A line with an arrow for each term of each learner. */
function drawing({ learners, frozen }: ExplainedStage): readonly string[] {
  const sources = new Map(frozen.map((model) => [model.name, frozenText(model)]));
  const arrows = learners.flatMap(({ name, objective }) =>
    objective.map((term) => {
      const from = term.kind === 'task' ? 'labels' : (sources.get(term.from) ?? term.from);
      return { from, to: name, how: termText(term) };
    }),
  );
  const width = (texts: readonly string[]) => Math.max(...texts.map((text) => text.length));
  const left = width(arrows.map(({ from }) => from));
  const right = width(arrows.map(({ to }) => to));
  return arrows.map(({ from, to, how }) => `  ${from.padEnd(left)} -> ${to.padEnd(right)}  ${how}`);
}

/** `teacher (frozen, from stage teacher, best)` */
function frozenText({ name, from }: ExplainedStage['frozen'][number]): string {
  if (from === 'promoted') return `${name} (frozen, the student promoted last)`;
  if (from.kind !== 'stage') return `${name} (frozen, ${from.kind === 'endpoint' ? '' : 'from '}${originText(from)})`;
  const { stage, participant, at } = from;
  const whose = participant === name ? '' : `${participant} `;
  return `${name} (frozen, ${whose}from stage ${stage}, ${at})`;
}

/** `kl, weight 0.9, temperature 4, gate params-similarity` */
function termText(term: TermSpec): string {
  if (term.kind === 'task') return `weight ${valueText(term.weight)}`;
  const { kind: _, from: _f, ...knobs } = term;
  const named = { loss: { kind: 'kl' }, ...knobs };
  return Object.entries(named)
    .filter(([name, value]) => value !== undefined && (name !== 'temperature' || dependsOnTemperature(term.loss)))
    .map(([name, value]) => (name === 'loss' ? valueText(value) : `${name} ${valueText(value)}`))
    .join(', ');
}

/** A setting in one line: `params-similarity (threshold 0.2)`. */
function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).filter(([name, field]) => name !== 'kind' && field !== undefined);
  const text = fields.map(([name, field]) => (field === true ? name : `${name} ${valueText(field)}`)).join(', ');
  if (!('kind' in value)) return `(${text})`;
  return text === '' ? String(value.kind) : `${value.kind} (${text})`;
}

/** Learners that do not start from fresh params. */
function initLines({ learners }: ExplainedStage): readonly string[] {
  return learners.flatMap(({ name, init }) => (init === 'fresh' ? [] : [`  ${name} starts ${initText(init)}`]));
}

/** Learners that share their batches among copies of themselves. */
function replicaLines({ learners }: ExplainedStage): readonly string[] {
  return learners.flatMap(({ name, replicas = 1 }) =>
    replicas === 1 ? [] : [`  ${name} trains as ${replicas} replicas, each on 1/${replicas} of every batch`],
  );
}

function initText(init: Ref): string {
  if (init.kind === 'file' && init.head) return `from ${originText(init)}, with a fresh head`;
  if (init.kind !== 'stage') return `from ${originText(init)}`;
  return `as ${init.participant} from stage ${init.stage}, ${init.at}`;
}

function costTable({ unit, leastParams, total }: Explained, groups: readonly Group[]): string {
  const all = unit === 'steps' ? 'batches' : 'epochs';
  const table = new Table({
    head: [
      ...['stage', 'model', leastParams ? 'params, at least' : 'params'],
      ...['forward/step', 'backward/step', `forward, ${all}`, `backward, ${all}`],
    ],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const { names, count, stage } of groups) {
    const models: readonly ExplainedModel[] = [...stage.learners, ...stage.frozen];
    for (const [index, { name, params, perStep, passes }] of models.entries()) {
      const label = count > 1 ? `${names}, each` : names;
      const own = [params ?? '', perStep.forward, perStep.backward, passes.forward, passes.backward];
      table.push([index === 0 ? label : '', name, ...own]);
    }
  }
  for (const [index, [name, { forward, backward }]] of Object.entries(total.passes).entries()) {
    table.push([index === 0 ? 'all stages' : '', name, '', '', '', forward, backward]);
  }
  return table.toString();
}

function totalLine({ stages, mayEndEarly, total: { epochs, steps } }: Explained): string {
  const most = mayEndEarly || stages.some((stage) => stage.mayEndEarly) ? 'at most ' : '';
  const length = [counted(epochs, 'epoch'), ...(steps === undefined ? [] : [counted(steps, 'step')])];
  return `in all ${most}${length.join(', ')}; validations come on top`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
