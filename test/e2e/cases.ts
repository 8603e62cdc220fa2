/** Whether every case is run: `make e2e` does. */
export const ALL_CASES = process.env['CASES'] === 'all';

/** Cases of one behaviour: some of them for `make test`, which also runs every other suite, all for `make e2e`. */
export function casesOf<Case>(some: readonly Case[], further: readonly Case[]): readonly Case[] {
  return ALL_CASES ? [...some, ...further] : some;
}
