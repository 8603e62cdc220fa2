import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { MOST_MODULE_BYTES } from '@trikd/core/models/module/module-spec';
import { errorCode } from '../error-code.js';

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
    throw refused(path, 'it is no text in UTF-8', cause);
  }
}

function readBytes(path: string): Buffer {
  try {
    const file = openSync(path, READ_ONLY);
    try {
      const stats = fstatSync(file);
      if (!stats.isFile()) throw refused(path, 'it is no regular file');
      if (stats.size > MOST_MODULE_BYTES) throw refused(path, `it has more than ${MOST_MODULE_BYTES} bytes`);
      return readFileSync(file);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    if (cause instanceof TrikdError) throw cause;
    const code = errorCode(cause);
    throw refused(path, code === 'ENOENT' ? 'there is no such file' : (code ?? String(cause)), cause);
  }
}

function refused(path: string, problem: string, cause?: unknown): TrikdError {
  return new TrikdError('invalid', `cannot read the module ${path}: ${problem}`, { module: path }, { cause });
}
