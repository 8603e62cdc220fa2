import { within } from '@trikd/core/async/within';
import type { Dataset } from '@trikd/core/data/split';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Role, TrainedRole } from '@trikd/core/domain/position';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Dial } from '@trikd/core/exchange/subscribe';
import { AdmissionLimits, ownAdmission } from '@trikd/core/spec/admission';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { openFrozen } from '@trikd/core/training/frozen';
import { type AnchorHolder, createAnchorHolder } from '@trikd/model-host/anchor/anchor-holder';
import type { ExchangeSource } from '@trikd/model-host/exchange-source';
import { type ConnectReplica, trainingWithReplicas } from '@trikd/model-host/replica/remote-replica';
import { createReplicaHost, type ReplicaHost } from '@trikd/model-host/replica/replica-host';
import { createTrainer, type Trainer } from '@trikd/model-host/trainer/trainer';
import type { Logger } from '@trikd/process/logging';
import { bytesOf } from '@trikd/protocol/convert-tensors';
import type { TrainReplicaRequest } from '@trikd/protocol/gen/node/trikd/v1/replica';
import { type ToyOptions, type TrainedStep, toyReplica, toySessions } from '@trikd/testing/toy-model/toy-sessions';
import type { Host, Life } from './host.js';
import type { Answers, Network } from './network.js';

/** What the three model services share in one simulated world. */
export interface TrioParts {
  datasetOf(spec: RunSpec): Dataset;
  readonly network: Network;
  storeOf(life: Life): ObjectStore;
  /** The host at an address. */
  reach(address: string): Host<TrainerProcess | AnchorHolder>;
  trained(life: Life, step: TrainedStep): void;
  /** Is called with what is wrong about a stream. */
  misled(life: Life, sentence: string): void;
  count(kind: ReplicaEvent): void;
}

export type ReplicaEvent = 'replicas opened' | 'replicas taken over';

/** What answers in the process of a trainer. */
export interface TrainerProcess extends Trainer {
  readonly replicas: ReplicaHost;
  /** Streams with an open replica, that of a trainer which another one has taken it from among them. */
  readonly open: Set<unknown>;
}

/** The processes of one trio. */
export interface TrioHosts {
  readonly name: string;
  readonly teacher: Host<TrainerProcess>;
  readonly student: Host<TrainerProcess>;
  readonly anchor: Host<AnchorHolder>;
  /** Processes for further replicas, from rank 1 on. */
  readonly replicas: Readonly<Record<TrainedRole, readonly Host<TrainerProcess>[]>>;
}

/** Makes a host, which is not started yet. */
export type MakeHost = <Service>(
  name: string,
  boot: (life: Life) => Service,
  end?: (service: Service) => Promise<void>,
) => Host<Service>;

/**
 * @param number from 1
 * @param replicas processes for further replicas of the learners in each slot
 */
export function trioHosts(
  parts: TrioParts,
  host: MakeHost,
  number: number,
  replicas: Readonly<Record<TrainedRole, number>>,
): TrioHosts {
  const stop = (service: { stop(): Promise<void> }) => service.stop();
  const nameOf = (role: string) => (number === 1 ? role : `${role}-${number}`);
  const trainer = (role: TrainedRole, name: string, addresses: readonly string[]) =>
    host(
      name,
      (life) => bootTrainer(parts, role, life, addresses),
      async (service) => {
        await service.replicas.leave();
        await service.stop();
      },
    );
  const further = (role: TrainedRole) =>
    Array.from({ length: replicas[role] }, (_, index) => trainer(role, `${nameOf(role)}-replica-${index + 1}`, []));
  const others = { teacher: further('teacher'), student: further('student') };
  const first = (role: TrainedRole) =>
    trainer(
      role,
      nameOf(role),
      others[role].map(({ name }) => name),
    );
  return {
    name: `trio-${number}`,
    ...{ teacher: first('teacher'), student: first('student'), replicas: others },
    anchor: host(nameOf('anchor'), (life) => bootAnchor(parts, life), stop),
  };
}

/** The process of a pod. A trainer gives its run the time to rest, as its process does. */
export function podHost(
  parts: TrioParts,
  host: MakeHost,
  role: Role,
  address: string,
): Host<TrainerProcess | AnchorHolder> {
  if (role === 'anchor')
    return host(
      address,
      (life) => bootAnchor(parts, life),
      (service) => service.stop(),
    );
  const lives = new Map<TrainerProcess, Life>();
  const boot = (life: Life) => {
    const trainer = bootTrainer(parts, role, life, []);
    lives.set(trainer, life);
    return trainer;
  };
  return host(address, boot, async (trainer) => {
    const life = lives.get(trainer);
    const left = Promise.all([trainer.leave(), trainer.replicas.leave()]);
    if (life) await within(left, LEAVE, life.clock);
    await trainer.stop();
  });
}

/** Seconds that a trainer gives its run. */
const LEAVE = 5;

const ADMISSION = ownAdmission(AdmissionLimits.parse({}));

/**
 * A trainer as its process wires it, with another model and other ports.
 * @param addresses of the processes for further replicas, as its configuration has them
 */
function bootTrainer(parts: TrioParts, role: TrainedRole, life: Life, addresses: readonly string[]): TrainerProcess {
  const model = modelOf(parts, life);
  const loadDataset = async (spec: RunSpec) => {
    await life.clock.sleep(5 + 20 * life.random());
    return parts.datasetOf(spec);
  };
  const connect = connectFrom(parts, life);
  const trainer = createTrainer({
    ...{ role, store: parts.storeOf(life), loadDataset },
    trainStage: trainingWithReplicas({ addresses, connect, clock: life.clock }, (openRemote) =>
      toySessions(model, openRemote),
    ),
    dial: dialFrom(parts, life),
    clock: life.clock,
    random: life.random,
    log: logOf(life),
  });
  const loadReplica = toyReplica(model);
  const { clock } = life;
  const replicas = createReplicaHost({ role, admission: ADMISSION, loadDataset, loadReplica, clock, log: logOf(life) });
  return { ...trainer, replicas, open: new Set() };
}

/** The anchor-server, likewise. */
function bootAnchor(parts: TrioParts, life: Life): AnchorHolder {
  const sessions = toySessions(modelOf(parts, life));
  return createAnchorHolder({
    store: parts.storeOf(life),
    loadDataset: async (spec) => parts.datasetOf(spec),
    openFrozen: (spec, dataset, model, params, attempt) => openFrozen(spec, dataset, model, params, attempt, sessions),
    clock: life.clock,
    random: life.random,
    log: logOf(life),
  });
}

function modelOf({ trained }: TrioParts, life: Life): ToyOptions {
  const pace = 1 + 60 * life.random() ** 2;
  return {
    pause: () => life.clock.sleep(pace * (0.5 + life.random())),
    trained: (step) => trained(life, step),
  };
}

type ReplicaRequest = NonNullable<TrainReplicaRequest['request']>;

function connectFrom({ network, reach, count }: TrioParts, life: Life): ConnectReplica {
  return async (address) => {
    const host = reach(address) as Host<TrainerProcess>;
    await network.call(life, host, 'connect', async () => undefined);
    const { ask, close } = network.duplex(life, host, 'replica', (service) => replicaOf(service, count));
    return { ask: (request) => ask(sent(request)), close };
  };
}

/** A stream to a replica, as its controller serves it. */
function replicaOf({ replicas, open }: TrainerProcess, count: TrioParts['count']): Answers<ReplicaRequest, Buffer> {
  const stream = replicas.begin();
  return {
    async answer(request) {
      if (request.$case === 'open') {
        count(open.size > 0 ? 'replicas taken over' : 'replicas opened');
        open.add(stream);
      }
      return Buffer.from(bytesOf(await stream.answer({ request })));
    },
    async close() {
      open.delete(stream);
      await stream.close();
    },
  };
}

/** The same request in other memory. */
function sent(request: ReplicaRequest): ReplicaRequest {
  if (request.$case !== 'values') return request;
  return { ...request, value: { ...request.value, data: Buffer.from(request.value.data) } };
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
