/** An event's number is the term of the leader that emitted it, times this, and a count. */
export const NUMBERS_PER_TERM = 2 ** 32;

/** The number of an event as people read it: 4294967298, the second of term 1, is `1.2`. */
export function eventName(number: number): string {
  return `${Math.floor(number / NUMBERS_PER_TERM)}.${number % NUMBERS_PER_TERM}`;
}

/** The number that a name or the number itself stands for; undefined for any other text. */
export function eventNumber(name: string): number | undefined {
  const [, term, count] = /^(?:(\d+)\.)?(\d+)$/.exec(name) ?? [];
  if (count === undefined) return undefined;
  const number = Number(term ?? 0) * NUMBERS_PER_TERM + Number(count);
  return Number.isSafeInteger(number) ? number : undefined;
}
