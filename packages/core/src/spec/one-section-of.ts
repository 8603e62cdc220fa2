import { z } from 'zod';

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
export function issuesText(issues: readonly z.core.$ZodIssue[] = []): string {
  return issues.map(({ path, message }) => [...path, message].join(': ')).join('; ');
}
