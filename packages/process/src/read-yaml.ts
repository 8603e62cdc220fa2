import { TrikdError } from '@trikd/core/domain/errors';
import { LineCounter, parseDocument, type YAMLParseError } from 'yaml';
import { readText } from './read-text.js';

/** Replaces messages of the parser that quote the file, which may contain secrets. */
const REASONS: Readonly<Partial<Record<YAMLParseError['code'], string>>> = {
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
  if (error) throw invalid(file, lines, error.pos[0], REASONS[error.code] ?? reasonOf(error.message));
  try {
    return document.toJS();
  } catch {
    throw invalid(file, lines, 0, REASONS.BAD_ALIAS ?? '');
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
