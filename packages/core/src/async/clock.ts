/** Time, as the rules need it: an argument, so that a test or a simulation can be where it passes. */
export interface Clock {
  /** Milliseconds, never going back. */
  now(): number;
  /** Resolves after so many milliseconds. Rejects with the signal's reason as soon as that aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
