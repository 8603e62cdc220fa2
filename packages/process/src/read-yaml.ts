import { TrikdError } from '@trikd/core/domain/errors';
import { LineCounter, parseDocument, type YAMLParseError } from 'yaml';
import { readText } from './read-text.js';

/** Reasons in place of the parser's, which quote the file: a secret may be in it. */
const REASONS: Readonly<Partial<Record<YAMLParseError['code'], string>>> = {
  BAD_ALIAS: 'an alias, which starts with *, has no anchor',
  BAD_DIRECTIVE: 'a directive, which starts with %, is not known',
  BAD_DQ_ESCAPE: 'an escape sequence in double quotes is not valid',
  BAD_SCALAR_START: 'a value that starts with a special character needs quotes',
  TAG_RESOLVE_FAILED: 'a tag, which starts with !, is not known',
};

/**
 * The value in a YAML file that may have secrets in it.
 * @throws TrikdError 'invalid' without the file, and with line, column and reason, and without any text of the file
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

/** What the parser quotes comes after a colon. */
function reasonOf(message: string): string {
  return message.replace(/:.*/s, '');
}

function invalid(file: string, lines: LineCounter, offset: number, reason: string): TrikdError {
  const { line, col } = lines.linePos(offset);
  return new TrikdError('invalid', `configuration is invalid:\n${file}:${line}:${col}: ${reason}`);
}
