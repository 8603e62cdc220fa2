/** The name that someone who wrote `word` probably meant: written apart by case and dashes only, or by a third of its letters. */
export function closest(word: string, names: readonly string[]): string | undefined {
  const near = names
    .map((name) => ({ name, distance: distance(plain(word), plain(name)) }))
    .filter(({ name, distance }) => distance <= Math.floor(name.length / 3));
  return near.toSorted((a, b) => a.distance - b.distance)[0]?.name;
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, '');
}

/** Edits of one letter that make one word another (Levenshtein 1965). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (letter === other ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? 0;
}
