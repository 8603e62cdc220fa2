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

/** `1 × task + 0.5 × anchor at T = 4` */
function objectiveText(objective: unknown): string {
  if (!Array.isArray(objective)) return '';
  return objective.map(termText).join(' + ');
}

function termText(term: unknown): string {
  const temperature = textOf(at(term, 'temperature'));
  const target = textOf(at(term, 'from')) || textOf(at(term, 'kind'));
  return `${textOf(at(term, 'weight')) || '1'} × ${target}${temperature === '' ? '' : ` at T = ${temperature}`}`;
}

function textOf(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'string') return String(value);
  return Array.isArray(value) ? value.map(textOf).join(', ') : '';
}
