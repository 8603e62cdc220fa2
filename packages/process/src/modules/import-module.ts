import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { TrikdError } from '@trikd/core/domain/errors';
import { messageOf } from '@trikd/core/domain/message-of';
import type { ModuleText } from './module-text.js';

/** How the address of a module begins that is loaded from its text. */
const ADDRESS = 'data:text/javascript;base64,';

/** A function that a module exports. */
export type ModuleFunction = (request: never) => unknown;

const functions = new Map<string, ModuleFunction>();

/**
 * Executes a module, once in a process, and returns a function that it exports. Exactly the text is executed whose digest the run has: it
 * can import nothing.
 * @param exported the name of the function; undefined: the default export
 * @throws TrikdError 'invalid' with the reason, for one that cannot be executed, or does not export the function
 */
export async function importModule(module: ModuleText, exported = 'default'): Promise<ModuleFunction> {
  const key = `${module.sha256} ${exported}`;
  const known = functions.get(key);
  if (known) return known;
  const found = (await namespaceOf(module))[exported];
  if (typeof found !== 'function') {
    const what = exported === 'default' ? 'no function as its default' : `no function ${exported}`;
    throw refused(module, `it exports ${what}`);
  }
  functions.set(key, found as ModuleFunction);
  return found as ModuleFunction;
}

async function namespaceOf(module: ModuleText): Promise<Readonly<Record<string, unknown>>> {
  const address = ADDRESS + Buffer.from(plainText(module)).toString('base64');
  importNothing();
  try {
    return (await import(/* @vite-ignore */ address)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    if (cause instanceof ImportRefused) throw refused(module, cause.message, cause);
    throw refused(module, `it threw: ${messageOf(cause)}`, cause);
  }
}

/** JavaScript, with the same lines and columns. */
function plainText(module: ModuleText): string {
  if (!/ts$/.test(module.name)) return module.text;
  const { emitWarning } = process;
  // Node calls the function experimental, each process once.
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(module.text);
  } catch (cause) {
    throw refused(module, `it is not TypeScript whose types can be left out: ${messageOf(cause)}`, cause);
  } finally {
    process.emitWarning = emitWarning;
  }
}

class ImportRefused extends Error {}

let refusing = false;

/** Refuses what a module imports, at its start or later: the digest of the module says nothing about other files. */
function importNothing(): void {
  if (refusing) return;
  refusing = true;
  registerHooks({
    resolve(specifier, context, next) {
      if (!context.parentURL?.startsWith(ADDRESS)) return next(specifier, context);
      const hint = 'a module is one file, and gets what it needs: put the files together first';
      throw new ImportRefused(`it imports ${specifier}: ${hint}`);
    },
  });
}

function refused({ name }: ModuleText, problem: string, cause?: unknown): TrikdError {
  return new TrikdError('invalid', `the module ${name} is refused: ${problem}`, { module: name }, { cause });
}
