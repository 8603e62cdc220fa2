import type { Clock } from '@trikd/core/async/clock';
import { chanceOf } from './chance.js';
import type { World } from './world.js';

/** One life of a process, from its start until it is killed. */
export interface Life {
  readonly host: string;
  /** Lives of the host, from 1. */
  readonly number: number;
  readonly clock: Clock;
  random(): number;
  readonly alive: boolean;
  /** Whether it is stopped: messages to it wait, and its memory is unchanged. */
  readonly frozen: boolean;
  /** Delivers something to the process from outside; lost when it is dead. */
  reach(happen: () => void): void;
  /** As `reach`, after so many milliseconds. */
  after(ms: number, what: string, happen: () => void): void;
  /** What the process waits for from outside, for the question why nothing happens. */
  readonly waiting: Set<string>;
  note(line: () => string): void;
}

/** A place where processes live, one after the other. Others call their `Service`. */
export interface Host<Service> {
  readonly name: string;
  readonly life: Life;
  /** Undefined between two lives. */
  readonly service: Service | undefined;
  /** Whether its process was asked to end, and has not ended. */
  readonly ending: boolean;
  start(): void;
  /** Asks the process to end. Calls back when it is ready, if it lives so long. */
  end(ready: () => void): void;
  /** Nothing that the process awaits ever arrives: it ends between two instructions. */
  kill(): void;
  freeze(): void;
  thaw(): void;
}

/** No timer of a process is finer: a rest that is lost in rounding would be slept for ever. Milliseconds. */
const SHORTEST = 0.1;

interface Living {
  alive: boolean;
  frozen: boolean;
}

export interface HostOptions<Service> {
  readonly name: string;
  /** Starts a process; others can call the service from then on. */
  boot(life: Life): Service;
  /** Ends it on request. */
  end?(service: Service): Promise<void>;
  /** How fast its clock runs: 1 as the world's. */
  drift(): number;
  /** Whether it can live again. Default: always. */
  mayStart?(): boolean;
}

export function createHost<Service>(
  world: World,
  { name, boot, end, drift, mayStart = () => true }: HostOptions<Service>,
): Host<Service> {
  let lives = 0;
  let state: Living = { alive: false, frozen: false };
  let backlog: (() => void)[] = [];
  let life = dead(name);
  let ending = false;
  let service: Service | undefined;

  function born(): Life {
    lives += 1;
    const own: Living = { alive: true, frozen: false };
    const [birth, rate] = [world.now(), drift()];
    const origin = world.chance.between(0, 1e6);
    const own2 = chanceOf(world.chance.below(0x1_0000_0000));
    state = own;
    backlog = [];
    const held = backlog;
    const reach = (happen: () => void) => {
      if (!own.alive) return;
      if (own.frozen) held.push(happen);
      else happen();
    };
    const after = (ms: number, what: string, happen: () => void) => world.after(ms, what, () => reach(happen));
    return {
      host: name,
      number: lives,
      clock: {
        now: () => origin + (world.now() - birth) * rate,
        sleep: (ms, signal) => sleep((happen) => after(Math.max(SHORTEST, ms) / rate, 'wake', happen), signal),
      },
      random: () => own2.next(),
      get alive() {
        return own.alive;
      },
      get frozen() {
        return own.frozen;
      },
      reach,
      after,
      waiting: new Set(),
      note: (line) => world.note(`${name}.${lives}`, line),
    };
  }

  return {
    name,
    get life() {
      return life;
    },
    get service() {
      return service;
    },
    get ending() {
      return ending;
    },
    start() {
      if (state.alive || !mayStart()) return;
      ending = false;
      life = born();
      life.note(() => 'starts');
      service = boot(life);
    },
    end(ready) {
      if (!end || service === undefined) return;
      const [dying, present] = [life, service];
      ending = true;
      life.note(() => 'is asked to end');
      life.reach(() => {
        end(present).then(
          () => dying.reach(ready),
          (error: unknown) => dying.note(() => `does not end in order: ${error}`),
        );
      });
    },
    kill() {
      if (!state.alive) return;
      life.note(() => 'is killed');
      state.alive = false;
      service = undefined;
    },
    freeze() {
      if (!state.alive || state.frozen) return;
      life.note(() => 'is stopped');
      state.frozen = true;
    },
    thaw() {
      if (!state.alive || !state.frozen) return;
      life.note(() => 'goes on');
      state.frozen = false;
      const late = backlog.splice(0);
      // One after the other, as an event loop takes them.
      for (const happen of late) life.after(0, 'late', happen);
    },
  };
}

function dead(host: string): Life {
  return {
    host,
    number: 0,
    clock: { now: () => 0, sleep: () => new Promise(() => undefined) },
    random: () => 0,
    alive: false,
    frozen: false,
    reach: () => undefined,
    after: () => undefined,
    waiting: new Set(),
    note: () => undefined,
  };
}

function sleep(wakeLater: (wake: () => void) => void, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    wakeLater(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
  });
}
