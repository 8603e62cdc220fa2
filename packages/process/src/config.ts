import { existsSync, readFileSync } from 'node:fs';
import { TrikdError } from '@trikd/core/domain/errors';
import { parse } from 'yaml';
import { z } from 'zod';

const PREFIX = 'TRIKD_';
/** Environment variables that are read elsewhere and name no field of a configuration. */
const NOT_FIELDS = new Set([
  'TRIKD_CONFIG',
  'TRIKD_DATA',
  'TRIKD_CACHE',
  'TRIKD_SERVER',
  'TRIKD_STATE',
  'TRIKD_TENSORFLOW',
]);

type Tree = Record<string, unknown>;

/**
 * Reads a configuration: the YAML file `file`, or the one that TRIKD_CONFIG names; then the environment, where
 * `TRIKD_STORE__PATH=/data` stands for `store.path`; then the schema with its defaults.
 * @throws TrikdError 'invalid' that lists every problem at once, 'not-found' when the file is absent.
 */
export function loadConfig<S extends z.ZodType>(
  schema: S,
  env: Readonly<Record<string, string | undefined>>,
  file: string | undefined = env.TRIKD_CONFIG,
): z.output<S> {
  const tree = file === undefined ? {} : readTree(file);
  for (const [name, value] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!name.startsWith(PREFIX) || NOT_FIELDS.has(name) || value === undefined) continue;
    assign(tree, name.slice(PREFIX.length).split('__').map(camelCase), scalarOf(value));
  }
  const result = schema.safeParse(tree);
  if (result.success) return result.data;
  throw new TrikdError('invalid', `configuration is invalid:\n${z.prettifyError(result.error)}`);
}

function readTree(file: string): Tree {
  if (!existsSync(file)) throw new TrikdError('not-found', `no configuration at ${file}`);
  const tree: unknown = parse(readFileSync(file, 'utf8')) ?? {};
  if (isTree(tree)) return tree;
  throw new TrikdError('invalid', `configuration is invalid:\n${file} holds no mapping of names to values`);
}

function assign(tree: Tree, path: readonly string[], value: unknown): void {
  let inner = tree;
  for (const name of path.slice(0, -1)) {
    const next = inner[name];
    const branch = isTree(next) ? next : {};
    inner[name] = branch;
    inner = branch;
  }
  inner[path.at(-1)!] = value;
}

/** Numbers, booleans and lists are written as in YAML; what is none of them is text. */
function scalarOf(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return text;
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `loadConfig` for the start of a process: what is wrong is said without a stack, and the process ends before it listens. */
export function configOrExit<S extends z.ZodType>(
  schema: S,
  env: Readonly<Record<string, string | undefined>>,
): z.output<S> {
  try {
    return loadConfig(schema, env);
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
