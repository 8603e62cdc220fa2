import type { Replacement } from './replacement.js';

/** Ends the address of a module as it is, without replacements. */
export const REAL = '?real';

/**
 * The modules that a mutation changes, by address.
 * @param resolve address of a module; undefined when there is no such file
 * @throws RangeError naming a module that does not exist
 */
export function plantedModules(
  replacements: readonly Replacement[],
  resolve: (module: string) => string | undefined,
): ReadonlyMap<string, readonly Replacement[]> {
  return Map.groupBy(replacements, ({ module }) => {
    const url = resolve(module);
    if (url === undefined) throw new RangeError(`a mutation replaces an export of ${module}, which does not exist`);
    return url;
  });
}

/** The source of a module that stands before the one at `url`: it exports the same names, some of them faulty. */
export function plantedSource(url: string, replacements: readonly Replacement[], mutation: string): string {
  const real = JSON.stringify(`${url}${REAL}`);
  const faulty = replacements.map(({ module, export: name }) => {
    const args = [module, name].map((arg) => JSON.stringify(arg)).join(', ');
    return `export const ${name} = faultyExport(real, mutation, ${args});`;
  });
  return [
    `import { mutationNamed } from ${JSON.stringify(new URL('./mutations.ts', import.meta.url).href)};`,
    `import { faultyExport } from ${JSON.stringify(import.meta.url)};`,
    `import * as real from ${real};`,
    `export * from ${real};`,
    `const mutation = mutationNamed(${JSON.stringify(mutation)});`,
    ...faulty,
  ].join('\n');
}

/**
 * The faulty export that a mutation puts in the place of a real one.
 * @throws RangeError naming an export that the module does not have
 */
export function faultyExport(
  real: Readonly<Record<string, unknown>>,
  mutation: readonly Replacement[],
  module: string,
  name: string,
): unknown {
  if (!(name in real)) throw new RangeError(`a mutation replaces ${name} of ${module}, which exports no such name`);
  const replacement = mutation.find((each) => each.module === module && each.export === name);
  // `replace` has checked that the wrapper takes what the module exports.
  return replacement?.wrap(real[name] as never, real as never);
}
