/** The tokens that are left, and the time of that count in milliseconds. */
export interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

export interface Rate {
  /** Tokens that a full bucket has. */
  readonly burst: number;
  readonly perSecond: number;
}

/** What is left after one token was taken, or the milliseconds until there is one. */
export type Taken =
  | { readonly kind: 'taken'; readonly bucket: Bucket }
  | { readonly kind: 'empty'; readonly waitMs: number };

/** Takes a token. @param bucket absent: a full one */
export function takeToken(bucket: Bucket | undefined, { burst, perSecond }: Rate, now: number): Taken {
  const tokens = bucket ? Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond) : burst;
  if (tokens >= 1) return { kind: 'taken', bucket: { tokens: tokens - 1, at: now } };
  return { kind: 'empty', waitMs: Math.ceil(((1 - tokens) / perSecond) * 1000) };
}
