import { TrikdError } from '@trikd/core/domain/errors';
import { messageOf } from '@trikd/core/domain/message-of';
import { errorCode } from '@trikd/process/error-code';

/** The meaning of codes that an operator can act on. */
const MEANINGS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is exceeded',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EMFILE: 'this process has too many open files',
  EIO: 'disk error',
};

/** The meaning of codes that the key itself causes. */
const BAD_KEYS: Readonly<Record<string, string>> = {
  ENOTDIR: 'one key is the folder of another',
  EISDIR: 'one key is the folder of another',
  EEXIST: 'one key is the folder of another',
  ENAMETOOLONG: 'the key, or a part of it, is too long',
};

/**
 * Converts a file system error.
 * @param key the key of the operation, if it has one
 * @returns TrikdError 'invalid' if the key cannot be stored, otherwise 'unavailable'; a TrikdError is returned unchanged
 */
export function folderError(folder: string, cause: unknown, key?: string): TrikdError {
  if (cause instanceof TrikdError) return cause;
  const code = errorCode(cause) ?? 'no code';
  const badKey = BAD_KEYS[code];
  if (badKey && key !== undefined) {
    return new TrikdError(
      'invalid',
      `store ${folder}: key ${key}: ${badKey} (${code})`,
      { folder, key, code },
      { cause },
    );
  }
  const meaning = MEANINGS[code] ?? messageOf(cause);
  return new TrikdError('unavailable', `store ${folder}: ${meaning} (${code})`, { folder, code }, { cause });
}
