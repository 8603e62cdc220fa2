import { TrikdError } from './errors.js';

/** For `catch`: what does not exist is undefined. @throws any other error */
export function undefinedIfAbsent(error: unknown): undefined {
  if (error instanceof TrikdError && error.kind === 'not-found') return undefined;
  throw error;
}
