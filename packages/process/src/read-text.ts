import { closeSync, openSync, readSync } from 'node:fs';
import { TrikdError } from '@trikd/core/domain/errors';
import { LineCounter, parseDocument, type YAMLParseError } from 'yaml';
import { errorCode } from './error-code.js';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'its symbolic links form a cycle',
};

/** Bytes of a configuration or a certificate, at most. */
const MOST_BYTES = 1024 * 1024;

/**
 * Reads a file that a user has named. It may be a pipe, and have no end.
 * @param most bytes that are read
 * @throws TrikdError 'invalid' with the reason
 */
export function readText(file: string, most = MOST_BYTES): string {
  try {
    const bytes = readAtMost(file, most + 1);
    if (bytes.length <= most) return bytes.toString('utf8');
    throw new TrikdError('invalid', `cannot read ${file}: it has more than ${most} bytes`, { file });
  } catch (cause) {
    if (cause instanceof TrikdError) throw cause;
    const reason = REASONS[errorCode(cause) ?? ''] ?? `${cause}`;
    throw new TrikdError('invalid', `cannot read ${file}: ${reason}`, { file }, { cause });
  }
}

function readAtMost(file: string, most: number): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(most);
    let filled = 0;
    for (;;) {
      const read = readSync(descriptor, bytes, filled, most - filled, null);
      filled += read;
      if (read === 0 || filled === most) return bytes.subarray(0, filled);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Replaces messages of the parser that quote the file, which may contain secrets. */
const YAML_REASONS: Readonly<Partial<Record<YAMLParseError['code'], string>>> = {
  BAD_ALIAS: 'an alias, which starts with *, has no anchor',
  BAD_DIRECTIVE: 'a directive, which starts with %, is not known',
  BAD_DQ_ESCAPE: 'an escape sequence in double quotes is not valid',
  BAD_SCALAR_START: 'a value that starts with a special character needs quotes',
  TAG_RESOLVE_FAILED: 'a tag, which starts with !, is not known',
};

/**
 * Reads a YAML file that may contain secrets.
 * @throws TrikdError 'invalid' if there is no such file, otherwise with line, column and reason, without text of the file
 */
export function readYaml(file: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const error = document.errors[0] ?? document.warnings[0];
  if (error) throw invalid(file, lines, error.pos[0], YAML_REASONS[error.code] ?? reasonOf(error.message));
  try {
    return document.toJS();
  } catch {
    throw invalid(file, lines, 0, YAML_REASONS.BAD_ALIAS ?? '');
  }
}

/** Removes what the parser quotes, which follows a colon. */
function reasonOf(message: string): string {
  return message.replace(/:.*/s, '');
}

function invalid(file: string, lines: LineCounter, offset: number, reason: string): TrikdError {
  const { line, col } = lines.linePos(offset);
  return new TrikdError('invalid', `configuration is invalid:\n${file}:${line}:${col}: ${reason}`);
}
