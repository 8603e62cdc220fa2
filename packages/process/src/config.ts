import { TrikdError } from '@trikd/core/domain/errors';
import { plainIssue } from '@trikd/core/spec/plain-issue';
import { parse } from 'yaml';
import { z } from 'zod';
import { PRIVATE_UMASK } from './private-files.js';
import { readYaml } from './read-text.js';

const PREFIX = 'TRIKD_';
/** Environment variables with our prefix that are not fields of a configuration. */
const NOT_FIELDS = new Set([
  'TRIKD_CONFIG',
  'TRIKD_DATA',
  'TRIKD_CACHE',
  'TRIKD_CA',
  'TRIKD_CERT',
  'TRIKD_CLIENT_ID',
  'TRIKD_ISSUER',
  'TRIKD_KEY',
  'TRIKD_SERVER',
  'TRIKD_STATE',
  'TRIKD_TENSORFLOW',
  'TRIKD_TOKEN',
  'TRIKD_TOKEN_FILE',
]);

type Tree = Record<string, unknown>;

/**
 * Reads a configuration: the YAML file `file`, or the one that TRIKD_CONFIG names; then environment variables, of which
 * `TRIKD_STORE__PATH=/data` sets `store.path`; then the defaults of the schema. An empty variable is an empty text if the
 * setting accepts one, and is otherwise ignored.
 * @throws TrikdError 'invalid' with a list of all problems, or why the file cannot be read
 */
export function loadConfig<S extends z.ZodType>(
  schema: S,
  env: Readonly<Record<string, string | undefined>>,
  file: string | undefined = env.TRIKD_CONFIG,
): z.output<S> {
  const variables = Object.entries(env)
    .filter(([name, value]) => name.startsWith(PREFIX) && !NOT_FIELDS.has(name) && value !== undefined)
    .map(([name, value = '']) => ({ path: name.slice(PREFIX.length).split('__').map(camelCase), value }))
    .sort((a, b) => (a.path.join('.') < b.path.join('.') ? -1 : 1));
  const result = schema.safeParse(treeOf(file, variables), { error: plainIssue });
  if (result.success) return result.data;
  const refused = result.error.issues.map(({ path }) => path.join('.'));
  const accepted = variables.filter(({ path, value }) => value !== '' || !refused.includes(path.join('.')));
  if (accepted.length < variables.length) {
    const again = schema.safeParse(treeOf(file, accepted));
    if (again.success) return again.data;
  }
  throw new TrikdError('invalid', `configuration is invalid:\n${z.prettifyError(result.error)}`);
}

/** An environment variable that sets a field. */
interface Variable {
  readonly path: readonly string[];
  readonly value: string;
}

function treeOf(file: string | undefined, variables: readonly Variable[]): Tree {
  const tree = file === undefined ? {} : readTree(file);
  for (const { path, value } of variables) assign(tree, path, value === '' ? '' : scalarOf(value));
  return tree;
}

function readTree(file: string): Tree {
  const tree = readYaml(file) ?? {};
  if (isTree(tree)) return tree;
  throw new TrikdError('invalid', `configuration is invalid:\n${file} does not contain a mapping`);
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

/** Parses a value as YAML. What is not valid YAML is text. */
function scalarOf(text: string): unknown {
  try {
    return parse(text, { logLevel: 'error' });
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

/**
 * Reads the configuration of a service process, and keeps all that the process will write to its own user, whatever writes
 * it. Prints the problems of a configuration, without a stack, and exits.
 */
export function configOrExit<S extends z.ZodType>(
  schema: S,
  env: Readonly<Record<string, string | undefined>>,
): z.output<S> {
  process.umask(PRIVATE_UMASK);
  try {
    return loadConfig(schema, env);
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
