/**
 * Lets Node.js run the sources as they are, as the tests do: `node --import ./test/simulation/sources.ts …`. So nothing is simulated
 * that was built yesterday, and a bug can be planted in what is loaded: `--mutation=NAME`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mutated } from './mutations.ts';

const root = new URL('../../', import.meta.url);
const { values } = parseArgs({ strict: false, options: { mutation: { type: 'string' } } });
const mutation = typeof values.mutation === 'string' ? values.mutation : undefined;

/** Where a name of ours is read from; undefined for a name that is not ours. */
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
  load(url, context, next) {
    if (!url.startsWith(root.href) || !url.endsWith('.ts') || url.includes('/node_modules/')) return next(url, context);
    const path = url.slice(root.href.length);
    const text = mutated(mutation, path, readFileSync(fileURLToPath(url), 'utf8'));
    return { format: 'module', source: stripTypeScriptTypes(text, { mode: 'transform' }), shortCircuit: true };
  },
});
