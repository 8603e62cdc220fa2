import { httpFailure, Rejection } from './http-failure.js';

/** Bounds the bodies of requests that are in memory at once. */
export interface BodyBudget {
  /** Largest body, in bytes. */
  readonly largest: number;
  /**
   * @param declared content-length of a request; undefined counts as the largest body
   * @returns what gives the bytes back
   * @throws Rejection with 429
   */
  take(declared: string | undefined): () => void;
}

/** As many of the largest bodies are in memory at once. */
const BODIES = 16;

/** @param setting that has the size of the largest body, for messages */
export function createBodyBudget(largest: number, setting: string): BodyBudget {
  let taken = 0;
  return {
    largest,
    take(declared) {
      const bytes = Number(declared ?? largest);
      const own = Number.isFinite(bytes) ? Math.min(bytes, largest) : largest;
      if (taken + own > BODIES * largest) {
        const message = `${BODIES} requests of ${setting} are read at once: retry later`;
        throw new Rejection({ ...httpFailure(429, 'RESOURCE_EXHAUSTED', message), retryAfterMs: 1000 });
      }
      taken += own;
      return () => {
        taken -= own;
      };
    },
  };
}
