import { networkText } from '@trikd/core/models/network-text';
import type { Learner, Stage } from '@trikd/core/stages/stage';
import { methodIn } from '@trikd/events/names';
import { at } from '../api.js';
import { capital } from '../format.js';
import { stagesIn } from './stages.js';

/** One setting, as people read it. */
export interface Setting {
  readonly name: string;
  readonly value: string;
}

/** The spec of a run as a JSON value; undefined when it is not known. */
export function specOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The settings that people compare runs by. @param text of the spec, with all defaults */
export function mainSettings(text: string): readonly Setting[] {
  const spec = specOf(text);
  const stages = stagesIn(text);
  const generations = stages.filter(({ generation }) => generation !== undefined).length;
  const settings = [
    { name: 'Method', value: methodText(at(spec, 'method'), methodIn(text)) },
    { name: 'Seed', value: textOf(at(spec, 'seed')) },
    { name: 'Data', value: textOf(at(spec, 'data', 'kind')) },
    { name: generations > 0 ? 'Epochs in a generation' : 'Epochs in a stage', value: textOf(at(spec, 'epochs')) },
    { name: 'Batch size', value: textOf(at(spec, 'batchSize')) },
    { name: 'Generations', value: generations > 0 ? String(generations) : '' },
    { name: 'Stages', value: generations === stages.length ? '' : stages.map(({ name }) => name).join(', ') },
    ...lastOfEach(stages).flatMap(learnerSettings),
  ];
  return settings.filter(({ value }) => value !== '');
}

/** Each learner by name, as it is in the last stage in which it learns. */
function lastOfEach(stages: readonly Stage[]): readonly Learner[] {
  return [...new Map(stages.flatMap(({ learners }) => learners.map((each) => [each.name, each]))).values()];
}

function learnerSettings({ name, model, learningRate, optimizer, objective }: Learner): readonly Setting[] {
  const title = capital(name);
  return [
    { name: `${title}, model`, value: networkText(model) },
    { name: `${title}, learning rate`, value: textOf(learningRate) },
    { name: `${title}, optimizer`, value: textOf(at(optimizer, 'kind')) },
    { name: `${title}, objective`, value: objectiveText(objective) },
  ];
}

/** `takd, taskWeight 0.1, weight 0.9, temperature 4` */
function methodText(method: unknown, name = ''): string {
  const knobs = typeof method === 'object' && method !== null ? Object.entries(method) : [];
  return [name, ...knobs.flatMap(([knob, value]) => (knob === 'kind' ? [] : [`${knob} ${textOf(value)}`]))].join(', ');
}

/** `1 × task + 0.5 × anchor at T = 4`, and `0 → 1 × teacher (dkd) at T = 4` for a schedule and another loss than the default */
export function objectiveText(objective: unknown): string {
  if (!Array.isArray(objective)) return '';
  return objective.map(termText).join(' + ');
}

function termText(term: unknown): string {
  const temperature = scheduleText(at(term, 'temperature'));
  const target = textOf(at(term, 'from')) || textOf(at(term, 'kind'));
  const loss = textOf(at(term, 'loss', 'kind'));
  const weight = scheduleText(at(term, 'weight')) || '1';
  return `${weight} × ${target}${loss === '' ? '' : ` (${loss})`}${temperature === '' ? '' : ` at T = ${temperature}`}`;
}

/** The values of a schedule in their order: `0 → 1`; those of generations apart: `1 | 0 → 1`. `learned` for what training learns. */
function scheduleText(schedule: unknown): string {
  if (at(schedule, 'learned') === true) return 'learned';
  const [points, generations] = [at(schedule, 'points'), at(schedule, 'byGeneration')];
  if (Array.isArray(generations)) return generations.map(scheduleText).join(' | ');
  if (!Array.isArray(points)) return textOf(schedule);
  return points.map((point: unknown) => textOf(at(point, '1'))).join(' → ');
}

function textOf(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'string') return String(value);
  return Array.isArray(value) ? value.map(textOf).join(', ') : '';
}
