import type { Clock } from '@trikd/core/async/clock';
import { orAborted, within } from '@trikd/core/async/within';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Numerics } from '@trikd/core/domain/numerics';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import type { Replica } from '@trikd/core/training/replicas/replica';
import { BATCH_INPUTS } from '@trikd/core/training/role-program';
import { type ModelSessions, type OpenRemoteReplica, sessionsWith } from '@trikd/core/training/sessions';
import { trainStage } from '@trikd/core/training/trainer';
import { fromNumerics } from '@trikd/protocol/convert-participant';
import { bytesOf, floatsOf } from '@trikd/protocol/convert-tensors';
import type { TrainReplicaRequest } from '@trikd/protocol/gen/node/trikd/v1/replica';
import type { ReplicaStream, ReplicaStreamOptions } from '@trikd/transport/grpc/replica-client';
import type { TrainerParts } from '../trainer/trainer-parts.js';

type Request = NonNullable<TrainReplicaRequest['request']>;

/** Bytes of a piece of an array: requests are small. */
const PIECE_BYTES = 256 * 1024;
/** For a replica to read its data and to trace its graph. */
const OPEN_SECONDS = 600;

/** Connects to a process that trains replicas. @throws TrikdError 'unavailable' when it cannot be reached */
export type ConnectReplica = (
  address: string,
  options: Pick<ReplicaStreamOptions, 'what' | 'responseNumbers'>,
) => Promise<ReplicaStream>;

export interface RemoteReplicas {
  /** host:port of those that there are, from rank 1 on. */
  readonly addresses: readonly string[];
  readonly connect: ConnectReplica;
  readonly clock: Clock;
  readonly numerics?: (engine: RunSpec['engine']) => Numerics;
}

/**
 * Training with replicas in processes of their own.
 * @param configured `addresses` are those of the configuration; an assignment may name others
 * @param sessions opens models, and the replicas in other processes by the function that it is called with; default: TensorFlow graphs
 */
export function trainingWithReplicas(
  configured: RemoteReplicas,
  sessions: (openRemote: OpenRemoteReplica) => ModelSessions = sessionsWith,
): TrainerParts['trainStage'] {
  return (start, dataset, ports, addresses = configured.addresses) =>
    trainStage(start, dataset, ports, sessions(remoteReplicas({ ...configured, addresses })));
}

/** Opens the replicas that have processes of their own. */
export function remoteReplicas({ addresses, connect, clock, numerics }: RemoteReplicas): OpenRemoteReplica {
  return async ({ spec, stage, dataset, learner, signal }, rank, responseNumbers) => {
    const address = addresses[rank - 1];
    if (address === undefined) return undefined;
    const what = `replica ${rank} of the ${learner.name} at ${address}`;
    const stream = await unlessAborted(connect(address, { what, responseNumbers }), signal);
    const close = () => stream.close();
    signal?.addEventListener('abort', close, { once: true });
    try {
      const open = {
        stage: stage.index,
        spec: canonicalJson(spec),
        promoted: stage.frozen.some(({ from }) => from === 'promoted'),
        rank,
        datasetDigest: dataset.digest,
        numerics: fromNumerics(numerics?.(spec.engine)),
      };
      await inTime(stream.ask({ $case: 'open', value: open }), OPEN_SECONDS, { what, clock });
    } catch (error) {
      stream.close();
      throw error;
    }
    return replicaOver(stream, spec.exchange.stepTimeout, { what, clock });
  };
}

/** An abandoned attempt does not wait for a replica that cannot be reached; the stream to one that is reached later is closed. */
async function unlessAborted(connecting: Promise<ReplicaStream>, signal?: AbortSignal): Promise<ReplicaStream> {
  if (!signal) return connecting;
  try {
    return await orAborted(connecting, signal);
  } catch (error) {
    connecting.then(
      (late) => late.close(),
      () => undefined,
    );
    throw error;
  }
}

function replicaOver(stream: ReplicaStream, seconds: number, waiting: Waiting): Replica {
  const ask = async (request: Request) => floatsOf(await inTime(stream.ask(request), seconds, waiting));

  /** A failure of a piece is that of the request which uses it. */
  function send(name: string, values: Float32Array): void {
    const bytes = bytesOf(values);
    for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
      const data = bytes.subarray(from, from + PIECE_BYTES);
      stream.ask({ $case: 'values', value: { name, data } }).catch(() => undefined);
    }
  }

  return {
    forward(feeds) {
      const { step, seed: _, ...rest } = feeds;
      const numbers = Object.entries(rest).flatMap(([name, value]) => {
        if (BATCH_INPUTS.includes(name)) return [];
        if (typeof value === 'number') return [[name, value] as const];
        throw new TrikdError('invalid', `the input ${name} is no number`);
      });
      if (!(step instanceof Int32Array)) throw new TrikdError('invalid', 'the feeds of a step lack its number');
      return ask({ $case: 'step', value: { step: step[0]!, numbers: Object.fromEntries(numbers) } });
    },
    backward(targets) {
      for (const [source, logits] of targets) send(source, logits);
      return ask({ $case: 'backward', value: {} });
    },
    async update(sum) {
      send('', sum);
      await ask({ $case: 'update', value: {} });
      return {};
    },
    async assign(state) {
      for (const [name, { data }] of state) send(name, data as Float32Array);
      await ask({ $case: 'assign', value: {} });
    },
    close: async () => stream.close(),
  };
}

/** What is waited for, and by which clock. */
interface Waiting {
  readonly what: string;
  readonly clock: Clock;
}

async function inTime<T>(work: Promise<T>, seconds: number, { what, clock }: Waiting): Promise<T> {
  const done = await within(
    work.then((value) => ({ value })),
    seconds,
    clock,
  );
  if (done) return done.value;
  throw new TrikdError('unavailable', `${what} has not answered for ${seconds} s`);
}
