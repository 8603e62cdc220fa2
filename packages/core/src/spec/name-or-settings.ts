import { z } from 'zod';
import { closest } from '../domain/closest.js';

/** Letters of an unknown name that a message repeats. */
const LONGEST_NAME = 40;

/**
 * One of several things by its settings, whose `kind` is its name, or by its name alone.
 * @param what it is: `method`
 */
export function nameOrSettings<Name extends string, Settings extends z.ZodDiscriminatedUnion>(
  what: string,
  names: readonly Name[],
  settings: Settings,
) {
  return z.union([z.enum(names), settings], {
    error: ({ input, errors }) => unknownName(what, names, input) ?? issuesText(errors?.[1]),
  });
}

function unknownName(what: string, names: readonly string[], input: unknown): string | undefined {
  const name = nameIn(input);
  if (name === undefined) return `expected the name of a ${what}, or a section with its kind: ${names.join(', ')}`;
  if (names.includes(name)) return undefined;
  const meant = closest(name, names);
  const hint = meant === undefined ? `there is ${names.join(', ')}` : `did you mean ${meant}?`;
  return `there is no ${what} ${name.slice(0, LONGEST_NAME)}; ${hint}`;
}

function nameIn(input: unknown): string | undefined {
  if (typeof input === 'string') return input;
  const kind: unknown = typeof input === 'object' && input !== null && 'kind' in input ? input.kind : undefined;
  return typeof kind === 'string' ? kind : undefined;
}

/**
 * One of several sections. What is reported are the mistakes in the section that was meant.
 * @param meant its place among the schemas by the settings that are there, or what to say when it is none of them
 */
export function oneSectionOf<Schemas extends readonly [z.ZodType, z.ZodType, ...z.ZodType[]]>(
  schemas: Schemas,
  meant: (settings: readonly string[]) => number | string,
) {
  return z.union(schemas, {
    error: ({ input, errors }) => {
      const isSection = typeof input === 'object' && input !== null && !Array.isArray(input);
      const found = meant(isSection ? Object.keys(input) : []);
      return typeof found === 'string' ? found : issuesText(errors?.[found]);
    },
  });
}

/** Several mistakes in one line: `stage: missing: expected text; there is no setting when`. */
function issuesText(issues: readonly z.core.$ZodIssue[] = []): string {
  return issues.map(({ path, message }) => [...path, message].join(': ')).join('; ');
}
