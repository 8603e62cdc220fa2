/** Work that has time: it is done when there is some of it, or after a while, all at once. */
export interface WorkLater {
  add(work: () => void): void;
  /** Does what there is. */
  now(): void;
}

/** Pieces that are done at once: the work of a minute of slow steps, or of a moment of fast ones. */
const PIECES = 96;

/** Longest time that work waits, in milliseconds. */
const WAIT = 1000;

/**
 * Between two steps everything that telemetry needs has left the processor's caches: done for many steps at once, it costs a third, and
 * the steps themselves wait for none of it.
 */
export function workLater(pieces = PIECES, wait = WAIT): WorkLater {
  let waiting: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;
  const now = () => {
    clearTimeout(timer);
    timer = undefined;
    const work = waiting;
    waiting = [];
    for (const each of work) each();
  };
  return {
    add(work) {
      waiting.push(work);
      if (waiting.length >= pieces) now();
      else timer ??= setTimeout(now, wait).unref();
    },
    now,
  };
}
