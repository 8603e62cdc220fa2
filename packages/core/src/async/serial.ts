import { TrikdError } from '../domain/errors.js';
import type { Clock } from './clock.js';

/** Runs work one piece at a time, in the order of the calls. */
export interface Serial {
  /** Runs `work` when all earlier work has settled, and settles as it does. A failure does not stop the work after it. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when all work up to now has settled. */
  idle(): Promise<void>;
}

export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(work) {
      const result = last.then(work);
      last = result.catch(() => undefined);
      return result;
    },
    idle: async () => {
      await last;
    },
  };
}

/** Runs work one piece at a time for each key, and work of different keys at once. */
export interface Lanes {
  /**
   * Runs `work` when all earlier work of the key has settled, and settles as it does.
   * @throws TrikdError `exhausted` when too much work of the key waits, or this has waited for too long: it is not run then
   */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Whether work of the key runs or waits. */
  busy(key: string): boolean;
  /** Resolves when all work up to now has settled. */
  idle(): Promise<void>;
}

/** Limits of one key. */
export interface LaneLimits {
  /** Names the limit in errors, such as `commands of a run`. */
  readonly name: string;
  /** Pieces of work that run or wait, at most. */
  readonly most: number;
  /** Seconds that a piece of work waits for its turn, at most. */
  readonly seconds: number;
}

interface Lane {
  readonly serial: Serial;
  pending: number;
}

export function createLanes({ name, most, seconds }: LaneLimits, clock: Pick<Clock, 'sleep'>): Lanes {
  const lanes = new Map<string, Lane>();

  /** Runs `work` unless its turn comes too late. */
  async function inTime<T>({ serial, pending }: Lane, key: string, work: () => Promise<T>): Promise<T> {
    if (pending === 1) return serial.run(work);
    const begun = new AbortController();
    const { promise: late, reject } = Promise.withResolvers<never>();
    let given = true;
    const expired = () => {
      given = false;
      reject(new TrikdError('exhausted', `${name}: ${key} was busy for ${seconds} s; retry later`));
    };
    clock.sleep(1000 * seconds, begun.signal).then(expired, () => undefined);
    const done = serial.run(async () => {
      begun.abort();
      // The caller has been refused already.
      return given ? work() : late;
    });
    return Promise.race([done, late]);
  }

  return {
    async run(key, work) {
      const lane = lanes.get(key) ?? { serial: createSerial(), pending: 0 };
      if (lane.pending >= most) {
        throw new TrikdError('exhausted', `${name}: at most ${most} wait for ${key}; retry later`);
      }
      lanes.set(key, lane);
      lane.pending += 1;
      try {
        return await inTime(lane, key, work);
      } finally {
        lane.pending -= 1;
        if (lane.pending === 0) lanes.delete(key);
      }
    },
    busy: (key) => lanes.has(key),
    idle: async () => {
      await Promise.all([...lanes.values()].map(({ serial }) => serial.idle()));
    },
  };
}
