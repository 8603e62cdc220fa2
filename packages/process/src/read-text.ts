import { readFileSync } from 'node:fs';
import { TrikdError } from '@trikd/core/domain/errors';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'its symbolic links form a cycle',
};

/** Reads a file that a user has named. @throws TrikdError 'invalid' with the reason */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? `${cause.code}` : '';
    throw new TrikdError('invalid', `cannot read ${file}: ${REASONS[code] ?? `${cause}`}`, { file }, { cause });
  }
}
