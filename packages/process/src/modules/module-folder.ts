import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { errorCode } from '../error-code.js';
import { PRIVATE_FILE, PRIVATE_FOLDER } from '../private-files.js';
import { type ModuleText, readModule } from './module-text.js';

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
