import { at } from './api.js';

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

/** The settings that people compare runs by. */
export function mainSettings(spec: unknown): readonly Setting[] {
  const general = [
    { name: 'Seed', value: textOf(at(spec, 'seed')) },
    { name: 'Data', value: textOf(at(spec, 'data', 'kind')) },
    { name: 'Epochs in a generation', value: textOf(at(spec, 'epochs')) },
    { name: 'Batch size', value: textOf(at(spec, 'batchSize')) },
    { name: 'Generations', value: textOf(at(spec, 'curriculum', 'generations')) },
  ];
  return [...general, ...roleSettings(spec, 'student'), ...roleSettings(spec, 'teacher')].filter(
    ({ value }) => value !== '',
  );
}

function roleSettings(spec: unknown, role: 'student' | 'teacher'): readonly Setting[] {
  const name = role === 'student' ? 'Student' : 'Teacher';
  return [
    { name: `${name}, model`, value: modelText(at(spec, role, 'model')) },
    { name: `${name}, learning rate`, value: textOf(at(spec, role, 'learningRate')) },
    { name: `${name}, optimizer`, value: textOf(at(spec, role, 'optimizer', 'kind')) },
    { name: `${name}, objective`, value: objectiveText(at(spec, role, 'objective')) },
  ];
}

/** `resnet, depth 8, width 16` */
function modelText(model: unknown): string {
  const settings = ['depth', 'width', 'channels', 'hidden'].flatMap((name) => {
    const value = textOf(at(model, name));
    return value === '' ? [] : [`${name} ${value}`];
  });
  return [textOf(at(model, 'kind')), ...settings].filter((part) => part !== '').join(', ');
}

/** `1 × task + 0.5 × anchor at T = 4`, and `0 → 1 × peer (dkd) at T = 4` for a schedule and another loss than the default */
function objectiveText(objective: unknown): string {
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
