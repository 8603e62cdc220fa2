import { networkText } from '@trikd/core/models/network-text';

/** The method of a run: its name, or `own stages` where the spec writes them out; undefined when the spec is not known. */
export function methodIn(spec: string): string | undefined {
  const value = specIn(spec);
  if (typeof value !== 'object' || value === null) return undefined;
  if (memberOf(value, 'stages') !== undefined) return 'own stages';
  const method = memberOf(value, 'method') ?? 'trikd';
  const name = typeof method === 'string' ? method : memberOf(method, 'kind');
  return typeof name === 'string' ? name : undefined;
}

/** Generations of the curriculum, at most; undefined when the spec is not known. */
export function generationsIn(spec: string): number | undefined {
  const many = memberOf(memberOf(specIn(spec), 'curriculum'), 'generations');
  return typeof many === 'number' ? many : undefined;
}

/** The seed of a run; undefined when the spec is not known. */
export function seedIn(spec: string): number | undefined {
  const seed = memberOf(specIn(spec), 'seed');
  return typeof seed === 'number' ? seed : undefined;
}

/** The networks of a run by the name of their learner, the student first: `resnet, depth 8, width 16`. */
export function modelsIn(spec: string): Readonly<Record<string, string>> {
  const value = specIn(spec);
  const stages = listOf(memberOf(value, 'stages'));
  const learners = stages.flatMap((stage) => Object.entries(Object(memberOf(stage, 'learners'))));
  const assistants = listOf(memberOf(value, 'assistants')).map((each, at) => [`assistant-${at + 1}`, each] as const);
  const roles = ['student', 'teacher'].map((name) => [name, memberOf(value, name)] as const);
  const named = stages.length > 0 ? learners : [...roles, ...assistants];
  const models = named.map(([name, settings]) => [name, networkText(memberOf(settings, 'model'))] as const);
  return Object.fromEntries(models.filter(([, model]) => model !== ''));
}

/** The spec of a run as a JSON value; undefined when it is not known. */
export function specIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
