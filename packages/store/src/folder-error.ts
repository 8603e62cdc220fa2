import { TrikdError } from '@trikd/core/domain/errors';

/** What the codes that an operator can do something about mean. */
const MEANINGS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission is denied',
  EPERM: 'the operation is not permitted',
  EMFILE: 'this process has too many open files',
  EIO: 'the disk fails',
};

/** Whether an error of the file system has one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(codeOf(error) ?? '');
}

/** What the codes that a key brings upon itself mean. */
const BAD_KEYS: Readonly<Record<string, string>> = {
  ENOTDIR: 'one key is the folder of another',
  EISDIR: 'one key is the folder of another',
  EEXIST: 'one key is the folder of another',
  ENAMETOOLONG: 'it, or a part of it, is too long',
};

/**
 * Says what the file system refused in our words.
 * @param key What was asked for; without it no refusal is the key's fault.
 * @returns TrikdError 'invalid' for a key that cannot be, 'unavailable' for the rest; a TrikdError comes back as it is
 */
export function folderError(folder: string, cause: unknown, key?: string): TrikdError {
  if (cause instanceof TrikdError) return cause;
  const code = codeOf(cause) ?? 'no code';
  const badKey = BAD_KEYS[code];
  if (badKey && key !== undefined) {
    return new TrikdError(
      'invalid',
      `store ${folder}: key ${key}: ${badKey} (${code})`,
      { folder, key, code },
      { cause },
    );
  }
  const meaning = MEANINGS[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new TrikdError('unavailable', `store ${folder}: ${meaning} (${code})`, { folder, code }, { cause });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
