/** An event's number is the term of the leader that numbered it, times this, and a count. */
const TERM = 2 ** 32;

/** The number of an event as people read it: 4294967298, the second of term 1, is `1.2`. */
export function eventName(number: number): string {
  return `${Math.floor(number / TERM)}.${number % TERM}`;
}

/** The number that a name or the number itself stands for; undefined for any other text. */
export function eventNumber(name: string): number | undefined {
  const [, term, count] = /^(?:(\d+)\.)?(\d+)$/.exec(name) ?? [];
  if (count === undefined) return undefined;
  const number = Number(term ?? 0) * TERM + Number(count);
  return Number.isSafeInteger(number) ? number : undefined;
}
