import { setTimeout as pause } from 'node:timers/promises';

const TICK_MS = 10;

/** Calls `work` `perSecond` times a second until the signal aborts, catching up when the process was late. */
export async function paced(perSecond: number, signal: AbortSignal, work: (index: number) => void): Promise<void> {
  const from = performance.now();
  let done = 0;
  while (!signal.aborted) {
    const due = Math.floor(((performance.now() - from) / 1000) * perSecond);
    // At most a tenth of a second at once, so that the attacker does not stop itself.
    const most = done + Math.ceil(perSecond / 10);
    for (; done < due && done < most; done += 1) work(done);
    await pause(TICK_MS, undefined, { signal }).catch(() => undefined);
  }
}
