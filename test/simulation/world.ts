import { type Chance, chanceOf } from './chance.js';

/** Virtual time: events happen one after the other, each with all its consequences before the next. */
export interface World {
  readonly chance: Chance;
  /** Milliseconds since the beginning. */
  now(): number;
  /** Schedules an event after so many milliseconds; events at the same time happen in the order of the calls. */
  after(ms: number, what: string, happen: () => void): void;
  /** Writes a line into the trace, if there is one. */
  note(who: string, line: () => string): void;
  /** Runs events until `over`, or until none is left. */
  run(over: () => boolean): Promise<void>;
  /** Differs between two courses of events. */
  digest(): string;
  readonly events: number;
}

interface Event {
  readonly time: number;
  readonly order: number;
  readonly what: string;
  readonly happen: () => void;
}

export interface WorldOptions {
  /** Gets a line for everything that happens. */
  trace?(line: string): void;
  /** Whether the event loop itself turns between two events. It makes no difference, but for the time that it takes. */
  readonly slow?: boolean;
}

export function createWorld(seed: number, { trace, slow = false }: WorldOptions = {}): World {
  const queue: Event[] = [];
  let now = 0;
  let order = 0;
  let events = 0;
  let still = 0;
  let [high, low] = [0x811c9dc5, 0x01000193];
  const count = (value: number) => {
    high = Math.imul(high ^ value, 0x01000193) ^ (low >>> 7);
    low = Math.imul(low ^ (value >>> 3), 0x85ebca6b) ^ high;
  };

  return {
    chance: chanceOf(seed),
    now: () => now,
    after(ms, what, happen) {
      push(queue, { time: now + Math.max(0, ms), order: order++, what, happen });
    },
    note(who, line) {
      trace?.(`${(now / 1000).toFixed(4).padStart(10)} ${who.padEnd(14)} ${line()}`);
    },
    run: (over) =>
      new Promise((resolve, reject) => {
        const step = () => {
          const event = over() ? undefined : pop(queue);
          if (!event) return resolve();
          still = event.time > now ? 0 : still + 1;
          if (still > STILL) return reject(new Error(`time stands still at ${now} ms: ${event.what}`));
          now = event.time;
          events += 1;
          count(Math.round(now * 1000) | 0);
          count(numberOf(event.what));
          try {
            event.happen();
          } catch (error) {
            return reject(error);
          }
          // A tick comes when no microtask is left: then everything that followed from the event has happened.
          if (slow) setImmediate(step);
          else queueMicrotask(() => process.nextTick(step));
        };
        step();
      }),
    digest: () => (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0'),
    get events() {
      return events;
    },
  };
}

/** Events at one time after which nothing else will ever happen. */
const STILL = 100_000;

const numbers = new Map<string, number>();

/** The same number for the same name, in every process. */
function numberOf(name: string): number {
  let number = numbers.get(name);
  if (number === undefined) {
    number = 0;
    for (let i = 0; i < name.length; i++) number = (Math.imul(number, 31) + name.charCodeAt(i)) | 0;
    numbers.set(name, number);
  }
  return number;
}

function precedes(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}

/** A binary heap: the earliest event is at 0. */
function push(heap: Event[], event: Event): void {
  let place = heap.push(event) - 1;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    if (!precedes(event, heap[parent]!)) break;
    heap[place] = heap[parent]!;
    place = parent;
  }
  heap[place] = event;
}

function pop(heap: Event[]): Event | undefined {
  const [first] = heap;
  const last = heap.pop();
  if (heap.length === 0 || !last) return first;
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && precedes(heap[child + 1]!, heap[child]!)) child += 1;
    if (!precedes(heap[child]!, last)) break;
    heap[place] = heap[child]!;
    place = child;
  }
  heap[place] = last;
  return first;
}
