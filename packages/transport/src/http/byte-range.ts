/** A part of a file that is wanted. */
export interface ByteRange {
  /** From 0. */
  readonly offset: number;
  /** 0: all that follows. */
  readonly length: number;
}

/**
 * The part of a file that a request wants; undefined: all of it. Parts that do not begin at an offset, and several at once, are not read:
 * HTTP lets a server answer with the whole file instead.
 * @param range the header Range
 * @param condition the header If-Range: the tag of the file that the client has the other part of
 * @param tag of the file, with its quotes
 */
export function wantedRange(
  range: string | undefined,
  condition: string | undefined,
  tag: string,
): ByteRange | undefined {
  if (condition !== undefined && condition !== tag) return undefined;
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  if (first === undefined) return undefined;
  const offset = Number(first);
  const length = last === '' ? 0 : Number(last) - offset + 1;
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) return undefined;
  return last !== '' && length < 1 ? undefined : { offset, length };
}
