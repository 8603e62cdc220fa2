import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Fault, Order, Told } from './fault-agent.js';

// Tests import this, and scripts that plain Node runs: it imports no value of a neighbour.

/** What happens in a cluster. */
export type ClusterEvent =
  | { readonly kind: 'listening'; readonly service: string; readonly at: number }
  | {
      readonly kind: 'ended';
      readonly service: string;
      readonly at: number;
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
    }
  | { readonly kind: 'told'; readonly service: string; readonly at: number; readonly told: Told };

/** A service that is started again whenever it ends, where it was: as Kubernetes would, at once. */
export interface ServiceUnderTest {
  /** Of the service, with a number when there are several. */
  readonly name: string;
  /** host:port, the same in every life. */
  readonly address: string;
  readonly pid: () => number;
  /** Lives so far, the present one included. */
  readonly lives: () => number;
  /** Resolves when the present life, or the next one, listens. */
  readonly listening: () => Promise<void>;
  /** Resolves when the present life is over. */
  readonly ended: () => Promise<void>;
  readonly arm: (fault: Fault) => void;
  readonly disarm: () => void;
  readonly signal: (signal: NodeJS.Signals) => void;
}

export interface ClusterOptions {
  /** Gets configurations and logs. */
  readonly folder: string;
  /** Section `store` of every service's configuration. */
  readonly store: object;
  /** How many orchestrators. Default 2. */
  readonly orchestrators?: number;
  /** Addresses of models that the test serves itself. Default: the real services. */
  readonly models?: Readonly<Record<'anchor' | 'teacher' | 'student', string>>;
  /** What others are told instead of a model's own address, such as that of a proxy. */
  readonly dialled?: (model: 'anchor' | 'teacher' | 'student', address: string) => Promise<string>;
  /** Settings of the orchestrators beside the addresses. */
  readonly settings?: object;
  readonly env?: Readonly<Record<string, string>>;
  /** Loads the agent that faults are armed with. */
  readonly faults?: boolean;
  /** Further arguments of Node. */
  readonly node?: readonly string[];
  /** Told of everything, in order. */
  readonly heard?: (event: ClusterEvent) => void;
}

export interface Cluster {
  readonly services: readonly ServiceUnderTest[];
  readonly orchestrators: readonly ServiceUnderTest[];
  /** Absent when the test serves the models itself. */
  readonly anchor?: ServiceUnderTest;
  readonly teacher?: ServiceUnderTest;
  readonly student?: ServiceUnderTest;
  /** Ends all of them; nothing is started again. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>;
}

/** Recovery in about a second: what a test can wait for. */
export const QUICK = {
  retries: 50,
  times: {
    prepare: 60,
    answer: 5,
    lease: 0.9,
    look: 0.1,
    patience: 10,
    grace: 0.3,
    firstRetry: 0.05,
    longestRetry: 0.5,
  },
};

const entryOf = (name: string) => fileURLToPath(new URL(`../../services/${name}/dist/main.js`, import.meta.url));
const AGENT = new URL('fault-agent.ts', import.meta.url).href;

/** Starts the services. Resolves when all of them listen. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const {
    folder,
    store,
    models,
    dialled = async (_model, address) => address,
    settings = QUICK,
    orchestrators = 2,
  } = options;
  const closing = new AbortController();
  const own = { store };
  const start = (entry: string, name: string, config: object) =>
    superviseService({ ...options, entry, name, config, closing: closing.signal });
  const real = models
    ? undefined
    : await Promise.all(['anchor-server', 'teacher-trainer', 'student-trainer'].map((name) => start(name, name, own)));
  const [anchor, teacher, student] = real ?? [];
  const served = models ?? { anchor: anchor!.address, teacher: teacher!.address, student: student!.address };
  const addresses = {
    anchor: await dialled('anchor', served.anchor),
    teacher: await dialled('teacher', served.teacher),
    student: await dialled('student', served.student),
  };
  const leaders = await Promise.all(
    Array.from({ length: orchestrators }, (_, index) => {
      const name = `orchestrator-${index}`;
      return start('orchestrator', name, {
        ...own,
        ...addresses,
        ...settings,
        events: join(folder, `events-${index}`),
      });
    }),
  );
  const services = [...leaders, ...(real ?? [])];
  await Promise.all(services.map((service) => service.listening()));
  return {
    services,
    orchestrators: leaders,
    ...(anchor && teacher && student && { anchor, teacher, student }),
    stop: async (signal = 'SIGKILL') => {
      closing.abort();
      const ended = services.map((service) => service.ended());
      for (const service of services) {
        service.signal(signal);
        // One that is stopped would keep everything but a SIGKILL to itself.
        service.signal('SIGCONT');
      }
      await Promise.all(ended);
    },
  };
}

interface Supervised extends ClusterOptions {
  readonly entry: string;
  readonly name: string;
  readonly config: object;
  readonly closing: AbortSignal;
}

async function superviseService(options: Supervised): Promise<ServiceUnderTest> {
  const { folder, name, closing, heard = () => undefined } = options;
  const address = `127.0.0.1:${await freePort()}`;
  mkdirSync(folder, { recursive: true });
  const config = join(folder, `${name}.yaml`);
  const log = { level: 'info', file: join(folder, `${name}.jsonl`) };
  writeFileSync(config, JSON.stringify({ ...options.config, listen: address, log }));
  let lives = 0;
  let life = begin();

  function begin() {
    lives += 1;
    const child = spawnService(options, config);
    const listening = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    child.on('message', () => {
      heard({ kind: 'listening', service: name, at: performance.now() });
      listening.resolve();
    });
    const said = child.stdio[4];
    if (options.faults && said) {
      createInterface({ input: said as Readable }).on('line', (line) => {
        heard({ kind: 'told', service: name, at: performance.now(), told: JSON.parse(line) });
      });
    }
    child.once('exit', (code, signal) => {
      heard({ kind: 'ended', service: name, at: performance.now(), code, signal });
      ended.resolve();
      if (closing.aborted) return;
      const next = () => {
        if (closing.aborted) return;
        life = begin();
        life.listening.promise.then(listening.resolve);
      };
      // Its port may be somebody's for a moment: a service that could not begin is not begun at full speed.
      if (signal === null && code !== 0) void delay(100).then(next);
      else next();
    });
    return { child, listening, ended };
  }

  const send = (order: Order) => {
    if (life.child.connected) life.child.send(order, () => undefined);
  };
  return {
    name,
    address,
    pid: () => life.child.pid ?? 0,
    lives: () => lives,
    listening: () => life.listening.promise,
    ended: () => life.ended.promise,
    arm: (fault) => send({ type: 'arm', fault }),
    disarm: () => send({ type: 'disarm' }),
    signal: (signal) => void life.child.kill(signal),
  };
}

function spawnService(options: Supervised, config: string): ChildProcess {
  const { folder, name, entry, env = {}, faults = false, node = [] } = options;
  const output = openSync(join(folder, `${name}.stderr`), 'a');
  // Both as docs/operations.md asks for.
  const args = ['--max-semi-space-size=8', ...node, ...(faults ? ['--import', AGENT] : [])];
  const child = spawn(process.execPath, [...args, entryOf(entry)], {
    env: { ...process.env, MALLOC_ARENA_MAX: '2', ...env, TRIKD_CONFIG: config },
    stdio: ['ignore', output, output, 'ipc', faults ? 'pipe' : 'ignore'],
  });
  closeSync(output);
  return child;
}

/**
 * A port on which nobody listens, below those that the kernel hands out for outgoing connections: it stays free while its service is
 * down.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(12_000 * Math.random());
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}
