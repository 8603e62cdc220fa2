import { within } from '@trikd/core/async/within';
import type { Dataset } from '@trikd/core/data/split';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Role, TrainedRole } from '@trikd/core/domain/role';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Dial } from '@trikd/core/exchange/subscribe';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { openFrozen } from '@trikd/core/training/frozen';
import { trainGeneration } from '@trikd/core/training/trainer';
import { type AnchorHolder, createAnchorHolder } from '@trikd/model-host/anchor/anchor-holder';
import type { ExchangeSource } from '@trikd/model-host/exchange/exchange.controller';
import { createTrainer, type Trainer } from '@trikd/model-host/trainer/trainer';
import type { Logger } from '@trikd/process/logging';
import { type TrainedStep, toySessions } from '@trikd/testing/toy-model/toy-sessions';
import type { Host, Life } from './host.js';
import type { Network } from './network.js';

/** What the three model services share in one simulated world. */
export interface TrioParts {
  datasetOf(spec: RunSpec): Dataset;
  readonly network: Network;
  storeOf(life: Life): ObjectStore;
  /** The host at an address. */
  reach(address: string): Host<ExchangeSource>;
  trained(life: Life, step: TrainedStep): void;
  /** Is called with what is wrong about a stream. */
  misled(life: Life, sentence: string): void;
}

/** The processes of one trio. */
export interface TrioHosts {
  readonly name: string;
  readonly teacher: Host<Trainer>;
  readonly student: Host<Trainer>;
  readonly anchor: Host<AnchorHolder>;
}

/** Makes a host, which is not started yet. */
export type MakeHost = <Service>(
  name: string,
  boot: (life: Life) => Service,
  end?: (service: Service) => Promise<void>,
) => Host<Service>;

/** @param number from 1 */
export function trioHosts(parts: TrioParts, host: MakeHost, number: number): TrioHosts {
  const stop = (service: { stop(): Promise<void> }) => service.stop();
  const nameOf = (role: string) => (number === 1 ? role : `${role}-${number}`);
  return {
    name: `trio-${number}`,
    teacher: host(nameOf('teacher'), (life) => bootTrainer(parts, 'teacher', life), stop),
    student: host(nameOf('student'), (life) => bootTrainer(parts, 'student', life), stop),
    anchor: host(nameOf('anchor'), (life) => bootAnchor(parts, life), stop),
  };
}

/** The process of a pod. A trainer gives its run the time to rest, as its process does. */
export function podHost(parts: TrioParts, host: MakeHost, role: Role, address: string): Host<Trainer | AnchorHolder> {
  if (role === 'anchor')
    return host(
      address,
      (life) => bootAnchor(parts, life),
      (service) => service.stop(),
    );
  const lives = new Map<Trainer, Life>();
  const boot = (life: Life) => {
    const trainer = bootTrainer(parts, role, life);
    lives.set(trainer, life);
    return trainer;
  };
  return host(address, boot, async (trainer) => {
    const life = lives.get(trainer);
    if (life) await within(trainer.leave(), LEAVE, life.clock);
    await trainer.stop();
  });
}

/** Seconds that a trainer gives its run. */
const LEAVE = 5;

/** A trainer as its process wires it, with another model and other ports. */
function bootTrainer(parts: TrioParts, role: TrainedRole, life: Life): Trainer {
  const sessions = sessionsOf(parts, life);
  return createTrainer({
    role,
    store: parts.storeOf(life),
    loadDataset: async (spec) => {
      await life.clock.sleep(5 + 20 * life.random());
      return parts.datasetOf(spec);
    },
    trainGeneration: (assignment, dataset, ports) => trainGeneration(assignment, dataset, ports, sessions),
    dial: dialFrom(parts, life),
    clock: life.clock,
    random: life.random,
    log: logOf(life),
  });
}

/** The anchor-server, likewise. */
function bootAnchor(parts: TrioParts, life: Life): AnchorHolder {
  const sessions = sessionsOf(parts, life);
  return createAnchorHolder({
    store: parts.storeOf(life),
    loadDataset: async (spec) => parts.datasetOf(spec),
    openFrozen: (spec, dataset, model, params, attempt) => openFrozen(spec, dataset, model, params, attempt, sessions),
    clock: life.clock,
    random: life.random,
    log: logOf(life),
  });
}

function sessionsOf({ trained }: TrioParts, life: Life) {
  const pace = 1 + 60 * life.random() ** 2;
  return toySessions({
    pause: () => life.clock.sleep(pace * (0.5 + life.random())),
    trained: (step) => trained(life, step),
  });
}

function dialFrom({ network, reach, misled }: TrioParts, life: Life): Dial {
  return (_server, address) => {
    let connected = false;
    let wanted: number | undefined;
    return {
      async *stream(asked, signal) {
        const open = (source: ExchangeSource, left: AbortSignal) => source.frames(asked, left);
        const options = {
          doubles: true,
          connected: (is: boolean) => {
            connected = is;
          },
        };
        const what = `frames from ${asked.from.step}`;
        let expected = asked.from.step;
        if (wanted !== undefined && wanted !== expected)
          misled(life, `${wanted} is the step that was not heard, ${expected} was asked for`);
        for await (const frame of network.stream(life, reach(address), what, open, signal, options)) {
          const { step } = frame.position;
          // The network may repeat the last one, but it neither makes nor loses one in the middle.
          if (step !== expected && step !== expected - 1)
            misled(life, `the ${asked.producer} sent step ${step} for ${expected}`);
          expected = step + 1;
          wanted = expected;
          yield received(frame);
        }
      },
      connected: () => connected,
      close: () => undefined,
    };
  };
}

/** The same frame in other memory. */
function received({ logits, ...frame }: LogitsFrame): LogitsFrame {
  return { ...frame, logits: { ...logits, data: logits.data.slice() } };
}

/** A log whose lines go into the trace. */
export function logOf(life: Life): Logger {
  const write = (fields: unknown, message?: unknown) => life.note(() => `${message ?? fields}${saidOf(fields)}`);
  const log: Logger = {
    fatal: write,
    error: write,
    warn: write,
    info: write,
    debug: write,
    trace: write,
    child: () => log,
  };
  return log;
}

function saidOf(fields: unknown): string {
  const error = fields instanceof Object && 'err' in fields ? fields.err : undefined;
  return error instanceof Error ? `: ${error.message}` : '';
}
