import { TrikdError } from '@trikd/core/domain/errors';

/** Files that are named; the others are counted. */
const MOST_NAMED = 32;

/** What is wrong with the files of a folder, collected so that all of it is reported at once. */
export interface Problems {
  /** @param file relative to the folder */
  add(file: string, problem: string): void;
  /** @throws TrikdError 'invalid' with every problem that was added, if there are any */
  assertNone(): void;
}

/** @param folder for the message */
export function problemsOf(folder: string): Problems {
  const named: string[] = [];
  let count = 0;
  return {
    add(file, problem) {
      count += 1;
      if (named.length < MOST_NAMED) named.push(`\n  ${file}: ${problem}`);
    },
    assertNone() {
      if (count === 0) return;
      const more = count > named.length ? `\n  and ${count - named.length} more` : '';
      const what = count === 1 ? '1 problem' : `${count} problems`;
      throw new TrikdError('invalid', `${folder} has ${what}:${named.join('')}${more}`, { folder, count });
    },
  };
}
