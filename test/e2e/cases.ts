/** Cases of one behaviour: some of them for `make test`, which also runs every other suite, all for `make e2e`. */
export function casesOf<Case>(some: readonly Case[], further: readonly Case[]): readonly Case[] {
  return process.env['CASES'] === 'all' ? [...some, ...further] : some;
}
