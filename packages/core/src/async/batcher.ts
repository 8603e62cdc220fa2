import { TrikdError } from '../domain/errors.js';
import type { Clock } from './clock.js';

/** A part of a request that is computed in one batch. */
export interface Slice<Input> {
  readonly input: Input;
  /** First row, counted in the request. */
  readonly first: number;
  readonly rows: number;
}

/** Computes the slices of one batch. It is called again when it has settled. */
export type Lane<Input, Output> = (slices: readonly Slice<Input>[]) => Promise<readonly Output[]>;

export interface BatcherSettings<Input, Output> {
  /** Each computes one batch at a time. */
  readonly lanes: readonly Lane<Input, Output>[];
  /** Rows of a batch, at most. */
  readonly maxRows: number;
  /** Milliseconds that a batch waits for more rows before it is computed with fewer. */
  readonly delayMs: number;
  /** Rows that wait, at most. */
  readonly queueRows: number;
  readonly clock: Clock;
  /** Receives the number of rows that wait, whenever it has changed. */
  readonly waiting?: (rows: number) => void;
  /** Receives the milliseconds that a request waited until the first of its rows was computed. */
  readonly waited?: (milliseconds: number) => void;
}

/** Computes the rows of concurrent requests together. */
export interface Batcher<Input, Output> {
  /**
   * The outputs of a request, slice by slice in the order of its rows.
   * @param signal takes the rows that still wait out of the queue
   * @throws TrikdError 'exhausted' when too many rows wait; the reason of the signal; what the lane throws
   */
  compute(input: Input, rows: number, signal?: AbortSignal): Promise<readonly Output[]>;
  /** Resolves when no row waits and no batch is computed. */
  idle(): Promise<void>;
}

interface Pending<Input, Output> {
  readonly input: Input;
  readonly rows: number;
  readonly since: number;
  /** Rows that are in a batch. */
  taken: number;
  /** Rows whose outputs are there. */
  done: number;
  slices: number;
  readonly outputs: Output[];
  readonly resolve: (outputs: readonly Output[]) => void;
  readonly reject: (reason: unknown) => void;
}

/** A slice in a batch, and its place among those of its request. */
interface Taken<Input, Output> {
  readonly pending: Pending<Input, Output>;
  readonly place: number;
  readonly slice: Slice<Input>;
}

/**
 * First come, first served. A batch takes rows of as many requests as fit, and of the last one a part. While all lanes compute, rows
 * gather, so that batches grow with the load even without a delay.
 */
export function createBatcher<Input, Output>(settings: BatcherSettings<Input, Output>): Batcher<Input, Output> {
  const { lanes, maxRows, delayMs, queueRows, clock, waiting, waited } = settings;
  const queue: Pending<Input, Output>[] = [];
  const free = [...lanes];
  const idlers = new Set<() => void>();
  let rowsWaiting = 0;
  let wakeUp: AbortController | undefined;

  const count = (rows: number) => {
    rowsWaiting += rows;
    waiting?.(rowsWaiting);
  };
  const leave = (pending: Pending<Input, Output>) => {
    const place = queue.indexOf(pending);
    if (place === -1) return;
    queue.splice(place, 1);
    count(pending.taken - pending.rows);
  };

  function nextSlices(): Taken<Input, Output>[] {
    const slices: Taken<Input, Output>[] = [];
    let room = maxRows;
    while (room > 0) {
      const [head] = queue;
      if (!head) break;
      if (head.taken === 0) waited?.(clock.now() - head.since);
      const rows = Math.min(room, head.rows - head.taken);
      slices.push({ pending: head, place: head.slices, slice: { input: head.input, first: head.taken, rows } });
      head.slices += 1;
      head.taken += rows;
      room -= rows;
      if (head.taken === head.rows) queue.shift();
    }
    count(room - maxRows);
    return slices;
  }

  async function computeOn(lane: Lane<Input, Output>): Promise<void> {
    const slices = nextSlices();
    try {
      const outputs = await lane(slices.map(({ slice }) => slice));
      for (const [index, { pending, place, slice }] of slices.entries()) {
        pending.outputs[place] = outputs[index]!;
        pending.done += slice.rows;
        if (pending.done === pending.rows) pending.resolve(pending.outputs);
      }
    } catch (error) {
      for (const { pending } of slices) {
        leave(pending);
        pending.reject(error);
      }
    }
    free.push(lane);
    advance();
  }

  /** Starts batches, as long as there are rows that have waited long enough and lanes that are free. */
  function advance(): void {
    while (free.length > 0 && queue.length > 0) {
      const wait = delayMs - (clock.now() - queue[0]!.since);
      if (rowsWaiting < maxRows && wait > 0) {
        sleep(wait);
        return;
      }
      void computeOn(free.pop()!);
    }
    if (queue.length > 0 || free.length < lanes.length) return;
    for (const idler of [...idlers]) idler();
    idlers.clear();
  }

  function sleep(milliseconds: number): void {
    if (wakeUp) return;
    const own = new AbortController();
    wakeUp = own;
    clock.sleep(milliseconds, own.signal).then(
      () => {
        wakeUp = undefined;
        advance();
      },
      () => undefined,
    );
  }

  return {
    compute(input, rows, signal) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (rowsWaiting + rows > queueRows && rowsWaiting > 0) {
        const message = `serving.queueRows allows ${queueRows} rows that wait, and ${rowsWaiting} do: retry later`;
        return Promise.reject(new TrikdError('exhausted', message));
      }
      const { promise, resolve, reject } = Promise.withResolvers<readonly Output[]>();
      const pending = { input, rows, since: clock.now(), taken: 0, done: 0, slices: 0, outputs: [], resolve, reject };
      queue.push(pending);
      count(rows);
      // More rows may fill the batch that waits.
      if (rowsWaiting >= maxRows) {
        wakeUp?.abort();
        wakeUp = undefined;
      }
      advance();
      if (!signal) return promise;
      const abort = () => {
        leave(pending);
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      return promise.finally(() => signal.removeEventListener('abort', abort));
    },
    idle: () =>
      new Promise((resolve) => {
        if (queue.length === 0 && free.length === lanes.length) resolve();
        else idlers.add(resolve);
      }),
  };
}
