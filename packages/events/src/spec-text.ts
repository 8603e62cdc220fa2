/** The method of a run: its name, or `own stages` where the spec writes them out; undefined when the spec is not known. */
export function methodIn(spec: string): string | undefined {
  const value = jsonOf(spec);
  if (typeof value !== 'object' || value === null) return undefined;
  if (memberOf(value, 'stages') !== undefined) return 'own stages';
  const method = memberOf(value, 'method') ?? 'trikd';
  const name = typeof method === 'string' ? method : memberOf(method, 'kind');
  return typeof name === 'string' ? name : undefined;
}

/** Generations of the curriculum, at most; undefined when the spec is not known. */
export function generationsIn(spec: string): number | undefined {
  const many = memberOf(memberOf(jsonOf(spec), 'curriculum'), 'generations');
  return typeof many === 'number' ? many : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
