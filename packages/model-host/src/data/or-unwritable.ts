import { TrikdError } from '@trikd/core/domain/errors';
import { errorCode } from '@trikd/process/error-code';

/** Writes a file. @throws TrikdError 'unavailable' with its path if that fails; errors of ours pass */
export async function orUnwritable<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (cause instanceof TrikdError) throw cause;
    throw new TrikdError('unavailable', `cannot write ${path}: ${errorCode(cause) ?? cause}`, { path }, { cause });
  }
}
