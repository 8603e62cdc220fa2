/**
 * Resolves after so many milliseconds of real time: how long a fault lasts, or how long nothing may happen. A test that waits for
 * something to happen waits for its event instead.
 */
export function lasting(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
