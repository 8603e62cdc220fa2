/**
 * Lets Node.js run the sources as they are, as the tests do: `node --import ./test/simulation/sources.ts …`. So the simulation never
 * runs an outdated build, and `--mutation=NAME` plants a bug in what is loaded.
 */
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mutationNamed } from './mutations.ts';
import { plantedModules, plantedSource, REAL } from './planted.ts';

const root = new URL('../../', import.meta.url);
const { values } = parseArgs({ strict: false, options: { mutation: { type: 'string' } } });
const mutation = typeof values.mutation === 'string' ? values.mutation : undefined;
const planted = plantedModules(mutation === undefined ? [] : mutationNamed(mutation), (module) => {
  const source = sourceOf(module, import.meta.url);
  return source && existsSync(source) ? source.href : undefined;
});

/** The source of a module of this repository; undefined for another module. */
function sourceOf(specifier: string, parent: string | undefined): URL | undefined {
  const [, name, path] =
    /^@trikd\/(engine|core|process|protocol|events|store|telemetry|transport|model-host|testing)(?:\/(.*))?$/.exec(
      specifier,
    ) ?? [];
  if (name) return new URL(`packages/${name}/src/${path ?? 'index'}.ts`, root);
  if (!specifier.startsWith('.') || !specifier.endsWith('.js') || !parent?.startsWith(root.href)) return undefined;
  const source = new URL(specifier.replace(/\.js$/, '.ts'), parent);
  return parent.includes('/node_modules/') || !existsSync(source) ? undefined : source;
}

registerHooks({
  resolve(specifier, context, next) {
    const source = sourceOf(specifier, context.parentURL);
    return source ? { url: source.href, format: 'module', shortCircuit: true } : next(specifier, context);
  },
  load(address, context, next) {
    const [url = address] = address.split(REAL);
    if (!url.startsWith(root.href) || !url.endsWith('.ts') || url.includes('/node_modules/'))
      return next(address, context);
    const replacements = address === url ? planted.get(url) : undefined;
    const source =
      mutation !== undefined && replacements
        ? plantedSource(url, replacements, mutation)
        : stripTypeScriptTypes(readFileSync(fileURLToPath(url), 'utf8'), { mode: 'transform' });
    return { format: 'module', source, shortCircuit: true };
  },
});
