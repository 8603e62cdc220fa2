import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { basename, join, parse } from 'node:path';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { MOST_MODULE_BYTES } from '@trikd/core/models/module/module-spec';
import { errorCode } from './error-code.js';
import { PRIVATE_FILE, PRIVATE_FOLDER } from './private-files.js';

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

const MODULE = /\.(ts|mts|js|mjs)$/;

/** Modules of a folder that are read to find one, at most. */
const MOST_MODULES = 1000;

/** Letters of a digest in the name of a file. */
const SHORT = 16;

/** A module as a spec names it. */
export interface ModuleReference {
  readonly file: string;
  readonly sha256?: string | undefined;
}

/**
 * Finds the text that a spec names in a folder of modules: the digest decides, whatever the name of the file.
 * @throws TrikdError 'invalid' when the folder does not have it
 */
export function findModule(folder: string, { file, sha256 }: ModuleReference): ModuleText {
  if (sha256 === undefined)
    throw new TrikdError('invalid', `the module ${file} has no sha256, which says what its text is`);
  const short = sha256.slice(0, SHORT);
  const names = namesIn(folder).sort((a, b) => Number(b.includes(short)) - Number(a.includes(short)));
  for (const name of names.slice(0, MOST_MODULES)) {
    const found = unlessUnreadable(() => readModule(join(folder, name)));
    if (found?.sha256 === sha256) return { ...found, name: file };
  }
  const advice = `put that version of the file there, or set TRIKD_MODULES to the folder that has it`;
  throw new TrikdError('invalid', `no file in ${folder} is the module ${file} with the SHA-256 ${sha256}: ${advice}`, {
    module: file,
  });
}

/** Keeps a module that this user runs, so that later commands find it by its digest. */
export function keepModule(folder: string, { name, text, sha256 }: ModuleText): void {
  const { name: stem, ext } = parse(name);
  const path = join(folder, `${stem}-${sha256.slice(0, SHORT)}${ext}`);
  try {
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
    const part = `${path}.${process.pid}.part`;
    writeFileSync(part, text, { mode: PRIVATE_FILE });
    renameSync(part, path);
  } catch (cause) {
    throw new TrikdError('unavailable', `cannot keep the module ${path}: ${errorCode(cause) ?? cause}`, {}, { cause });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => MODULE.test(name));
  } catch (cause) {
    if (errorCode(cause) === undefined) throw cause;
    return [];
  }
}

/** A file that cannot be read is not the one that is looked for. */
function unlessUnreadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof TrikdError) return undefined;
    throw error;
  }
}

/** The text of a module. */
export interface ModuleText {
  /** Of its file, without the folder. */
  readonly name: string;
  readonly text: string;
  /** Of its bytes, hex. */
  readonly sha256: string;
}

/** Does not wait for the writer of a pipe. A link is followed: the file is named by the person who runs it. */
const READ_ONLY = constants.O_RDONLY | constants.O_NONBLOCK;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a module, without executing it.
 * @throws TrikdError 'invalid' with the reason, for a file that is absent, too large or no text in UTF-8
 */
export function readModule(path: string): ModuleText {
  const bytes = readBytes(path);
  try {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { name: basename(path), text: utf8.decode(bytes), sha256 };
  } catch (cause) {
    throw refusedText(path, 'it is no text in UTF-8', cause);
  }
}

function readBytes(path: string): Buffer {
  try {
    const file = openSync(path, READ_ONLY);
    try {
      const stats = fstatSync(file);
      if (!stats.isFile()) throw refusedText(path, 'it is no regular file');
      if (stats.size > MOST_MODULE_BYTES) throw refusedText(path, `it has more than ${MOST_MODULE_BYTES} bytes`);
      return readFileSync(file);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    if (cause instanceof TrikdError) throw cause;
    const code = errorCode(cause);
    throw refusedText(path, code === 'ENOENT' ? 'there is no such file' : (code ?? String(cause)), cause);
  }
}

function refusedText(path: string, problem: string, cause?: unknown): TrikdError {
  return new TrikdError('invalid', `cannot read the module ${path}: ${problem}`, { module: path }, { cause });
}
