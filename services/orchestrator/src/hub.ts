import { TrikdError } from '@trikd/core/errors';
import { type Queue, queue } from './queue.js';

/** Tells one story to any number of followers, each at its own pace. */
export interface Hub<T> {
  readonly publish: (item: T) => void;
  /** No more will come; with a failure, followers get it thrown. */
  readonly end: (failure?: Error) => void;
  /** Everything that is published from this call on, until the signal aborts. */
  readonly follow: (signal: AbortSignal) => AsyncIterable<T>;
}

/** Items that may wait for one follower: hours of a run. One that lies further behind does not read at all. */
const LONGEST_LAG = 20_000;

type Told<T> = { readonly item: T } | { readonly end: Error | undefined };

export function hub<T>(): Hub<T> {
  const followers = new Set<Queue<Told<T>>>();
  let ended: Told<T> | undefined;
  return {
    publish: (item) => {
      for (const follower of followers) {
        follower.push({ item });
        if (follower.length() < LONGEST_LAG) continue;
        follower.rest();
        follower.push({ end: new TrikdError('unavailable', `${LONGEST_LAG} events were not read`) });
      }
    },
    end: (failure) => {
      ended = { end: failure };
      for (const follower of followers) follower.push(ended);
    },
    follow: (signal) => {
      const told = queue<Told<T>>();
      followers.add(told);
      if (ended) told.push(ended);
      const leave = () => {
        followers.delete(told);
        told.push({ end: undefined });
      };
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
      return untilEnd(told);
    },
  };
}

async function* untilEnd<T>(told: Queue<Told<T>>): AsyncGenerator<T> {
  for (;;) {
    const next = await told.take();
    if ('item' in next) yield next.item;
    else if (next.end) throw next.end;
    else return;
  }
}
