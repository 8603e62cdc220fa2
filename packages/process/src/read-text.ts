import { closeSync, openSync, readSync } from 'node:fs';
import { TrikdError } from '@trikd/core/domain/errors';
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
