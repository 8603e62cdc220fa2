import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type ServiceName, startService } from '@trikd/process/service-process';
import type { Fault, Order, Report } from './fault-agent.js';
import { settingsOf } from './settings.js';

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
  | { readonly kind: 'reported'; readonly service: string; readonly at: number; readonly report: Report };

/** A service that is started again at the same address whenever it ends, as Kubernetes does, but at once. */
export interface ServiceUnderTest {
  /** Of the service, with a number when there are several. */
  readonly name: string;
  /** host:port, the same in every life. */
  readonly address: string;
  /** File of its log. */
  readonly log: string;
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
  /** Gets a folder of logs for each service. */
  readonly folder: string;
  /** Section `store` of every service's configuration. */
  readonly store: object;
  /** How many orchestrators. Default 2. */
  readonly orchestrators?: number;
  /** How many processes for replicas of the student there are besides its trainer. Default 0. */
  readonly replicas?: number;
  /** Addresses of models that the test serves itself. Default: the real services. */
  readonly models?: Readonly<Record<'anchor' | 'teacher' | 'student', string>>;
  /** The address by which the orchestrators reach a model, such as that of a proxy. Default: its own. */
  readonly dialled?: (model: 'anchor' | 'teacher' | 'student', address: string) => Promise<string>;
  /** Settings of the orchestrators beside the addresses. */
  readonly settings?: object;
  /** Further settings of each service, such as its certificate. */
  readonly each?: (service: ServiceName) => object;
  readonly env?: Readonly<Record<string, string>>;
  /** Loads the agent that faults are armed with, which reports what it sees. */
  readonly faults?: boolean;
  /** Further arguments of Node. */
  readonly node?: readonly string[];
  /** Is called with every event, in order. */
  readonly onEvent?: (event: ClusterEvent) => void;
}

export interface Cluster {
  readonly services: readonly ServiceUnderTest[];
  readonly orchestrators: readonly ServiceUnderTest[];
  /** Absent when the test serves the models itself. */
  readonly anchor?: ServiceUnderTest;
  readonly teacher?: ServiceUnderTest;
  readonly student?: ServiceUnderTest;
  /** The student's further replicas, by rank. */
  readonly replicas: readonly ServiceUnderTest[];
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

/** Plain Node.js runs it as it is, from the sources. */
const AGENT = new URL('../../src/processes/fault-agent.ts', import.meta.url).href;

const MODELS = ['anchor-server', 'teacher-trainer', 'student-trainer'] as const;

/** Starts the services. Resolves when all of them listen. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const {
    folder,
    store,
    models,
    dialled = async (_model, address) => address,
    settings = QUICK,
    orchestrators = 2,
    replicas = 0,
  } = options;
  const closing = new AbortController();
  const own = { store };
  const start = (service: ServiceName, name: string, config: object) =>
    superviseService({ ...options, service, name, config, closing: closing.signal });
  const further = await Promise.all(
    Array.from({ length: replicas }, (_, index) => start('student-trainer', `student-replica-${index + 1}`, own)),
  );
  const studentConfig = { ...own, ...(replicas > 0 && { replicas: further.map(({ address }) => address) }) };
  const configOf = (name: ServiceName) => (name === 'student-trainer' ? studentConfig : own);
  const real = models ? undefined : await Promise.all(MODELS.map((name) => start(name, name, configOf(name))));
  const [anchor, teacher, trainer] = real ?? [];
  const served = models ?? { anchor: anchor!.address, teacher: teacher!.address, student: trainer!.address };
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
  const services = [...leaders, ...(real ?? []), ...further];
  await Promise.all(services.map((service) => service.listening()));
  return {
    services,
    orchestrators: leaders,
    ...(anchor && teacher && trainer && { anchor, teacher, student: trainer }),
    replicas: further,
    stop: async (signal = 'SIGKILL') => {
      closing.abort();
      const ended = services.map((service) => service.ended());
      for (const service of services) {
        service.signal(signal);
        // A stopped process takes no signal but SIGKILL.
        service.signal('SIGCONT');
      }
      await Promise.all(ended);
    },
  };
}

interface Supervised extends ClusterOptions {
  readonly service: ServiceName;
  readonly name: string;
  readonly config: object;
  readonly closing: AbortSignal;
}

async function superviseService(options: Supervised): Promise<ServiceUnderTest> {
  const { folder, name, service, closing, env, faults = false, node = [], onEvent = () => undefined } = options;
  const address = `127.0.0.1:${await freePort()}`;
  const logs = join(folder, name);
  const setup = {
    logs,
    settings: settingsOf({ ...options.each?.(service), ...options.config, listen: address }),
    env: { ...process.env, ...env },
    node: [...node, ...(faults ? ['--import', AGENT] : [])],
    streams: faults ? (['pipe'] as const) : [],
  };
  let lives = 0;
  let life = begin();

  function begin() {
    lives += 1;
    const { child, ready } = startService(service, setup);
    const listening = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    ready.then(
      () => {
        onEvent({ kind: 'listening', service: name, at: performance.now() });
        listening.resolve();
      },
      () => undefined,
    );
    const reports = child.stdio[4];
    if (reports instanceof Readable) {
      createInterface({ input: reports }).on('line', (line) => {
        onEvent({ kind: 'reported', service: name, at: performance.now(), report: JSON.parse(line) });
      });
    }
    child.once('exit', (code, signal) => {
      onEvent({ kind: 'ended', service: name, at: performance.now(), code, signal });
      ended.resolve();
      if (closing.aborted) return;
      const next = () => {
        if (closing.aborted) return;
        life = begin();
        life.listening.promise.then(listening.resolve);
      };
      // Another process may hold its port for a moment: a service that cannot begin is not restarted at full speed.
      if (signal === null && code !== 0 && code !== 143) void delay(100).then(next);
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
    log: join(logs, `${service}.jsonl`),
    pid: () => life.child.pid ?? 0,
    lives: () => lives,
    listening: () => life.listening.promise,
    ended: () => life.ended.promise,
    arm: (fault) => send({ type: 'arm', fault }),
    disarm: () => send({ type: 'disarm' }),
    signal: (signal) => void life.child.kill(signal),
  };
}

/**
 * A free port below those that the kernel assigns to outgoing connections, so that it stays free while its service is down.
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
