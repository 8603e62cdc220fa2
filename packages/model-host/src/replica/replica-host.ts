import { createBell } from '@trikd/core/async/bell';
import type { Clock } from '@trikd/core/async/clock';
import { within } from '@trikd/core/async/within';
import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import { joined } from '@trikd/core/domain/matrix';
import { differences, type Numerics } from '@trikd/core/domain/numerics';
import type { TrainedRole } from '@trikd/core/domain/position';
import { type Admission, assertAdmitted } from '@trikd/core/spec/admission';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { learnerOf } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import { type LoadReplica, openReplica, type RemoteReplica } from '@trikd/core/training/replicas/open-replica';
import { type FaultPoint, faultPoint } from '@trikd/process/fault-points';
import type { Logger } from '@trikd/process/logging';
import { toNumerics } from '@trikd/protocol/convert-participant';
import { floatsOf } from '@trikd/protocol/convert-tensors';
import type { OpenReplica, TrainReplicaRequest } from '@trikd/protocol/gen/node/trikd/v1/replica';
import { parseSpec } from '@trikd/protocol/parse-spec';

export interface ReplicaHostParts {
  /** The slot whose learners it trains replicas of. */
  readonly role: TrainedRole;
  readonly admission: Admission;
  readonly loadDataset: (spec: RunSpec) => Promise<Dataset>;
  /** Default: it is not reported. */
  readonly numerics?: (engine: RunSpec['engine']) => Numerics;
  /** Default: TensorFlow graphs. */
  readonly loadReplica?: LoadReplica;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Trains replicas for trainers in other processes, one at a time. */
export interface ReplicaHost {
  readonly role: TrainedRole;
  /** Serves one stream. */
  begin(): ReplicaStream;
  /** Rejects new replicas. Resolves when the trainer of the open one has closed it, or after `LEAVE_SECONDS`. */
  leave(): Promise<void>;
}

/** The requests of one stream, in their order. */
export interface ReplicaStream {
  /** @returns what the response has; empty for most requests. @throws TrikdError for a request that cannot be fulfilled */
  answer(request: TrainReplicaRequest): Promise<Float32Array>;
  /** Ends the replica. May be called again. */
  close(): Promise<void>;
}

const NOTHING = new Float32Array(0);

/** All processes of a run may be asked to exit at once: its trainers then rest at a step, which takes them less. */
const LEAVE_SECONDS = 8;

export function createReplicaHost(parts: ReplicaHostParts): ReplicaHost {
  const changed = createBell();
  let current: ReplicaStream | undefined;
  let leaving = false;
  async function idle(): Promise<void> {
    while (current) await changed.heard();
  }
  return {
    role: parts.role,
    begin() {
      const stream = replicaStream(parts, {
        async takeOver() {
          if (leaving) throw new TrikdError('unavailable', 'shutting down');
          const before = current;
          current = stream;
          await before?.close();
        },
        closed() {
          if (current === stream) current = undefined;
          changed.ring();
        },
      });
      return stream;
    },
    async leave() {
      leaving = true;
      await within(idle(), LEAVE_SECONDS, parts.clock);
    },
  };
}

interface StreamTurns {
  /** Ends the replica of the stream before. @throws TrikdError 'unavailable' while the process exits */
  takeOver(): Promise<void>;
  closed(): void;
}

function replicaStream(parts: ReplicaHostParts, { takeOver, closed: onClosed }: StreamTurns): ReplicaStream {
  let replica: RemoteReplica | undefined;
  let closed = false;
  let values = collectedValues();
  let at: { readonly runId: string; readonly stage: number; readonly step?: number } | undefined;

  const reached = (point: FaultPoint) => faultPoint(point, () => ({ role: parts.role, ...at }));
  const takenOver = () => new TrikdError('wrong-state', 'another trainer has the replica now');

  function opened(): RemoteReplica {
    if (closed) throw takenOver();
    if (!replica) throw new TrikdError('wrong-state', 'the replica is not open');
    return replica;
  }

  async function open(request: OpenReplica): Promise<Float32Array> {
    if (replica) throw new TrikdError('wrong-state', 'the replica is open already');
    await takeOver();
    const model = await modelOf(parts, request);
    replica = await openReplica(model, parts.loadReplica);
    values = collectedValues(replica.mostNumbers);
    const { spec, learner, rank } = model;
    at = { runId: spec.name, stage: request.stage };
    parts.log.info({ ...at, learner: learner.name, rank }, 'replica opened');
    if (closed) await replica.close();
    opened();
    return NOTHING;
  }

  async function fulfilled({ request }: TrainReplicaRequest): Promise<Float32Array> {
    switch (request?.$case) {
      case 'open':
        return open(request.value);
      case 'values':
        opened();
        values.add(request.value.name, request.value.data);
        return NOTHING;
      case 'step': {
        const { step, numbers } = request.value;
        at = at && { ...at, step };
        reached('replica.stepping');
        return opened().step(step, numbers);
      }
      case 'backward': {
        const share = await opened().backward(values.taken());
        reached('replica.shared');
        return share;
      }
      case 'update': {
        const sum = values.taken().get('');
        if (!sum) throw new TrikdError('invalid', 'the sum of all shares is missing');
        reached('replica.updating');
        await opened().update(sum);
        reached('replica.updated');
        return NOTHING;
      }
      case 'assign':
        await opened().assignValues(values.taken());
        return NOTHING;
      case undefined:
        throw new TrikdError('invalid', 'a request of a kind that is not known here');
    }
  }

  return {
    async answer(request) {
      try {
        return await fulfilled(request);
      } catch (error) {
        // A request that is pending when the replica closes fails with an error of the engine.
        throw closed ? takenOver() : error;
      }
    },
    async close() {
      closed = true;
      onClosed();
      await replica?.close();
    },
  };
}

/** What a request names, checked as an assignment is. */
async function modelOf({ role, admission, loadDataset, numerics }: ReplicaHostParts, request: OpenReplica) {
  const spec = parseSpec(request.spec);
  assertAdmitted(spec, admission);
  const own = numerics?.(spec.engine);
  const callers = toNumerics(request.numerics);
  const differing = own && callers ? differences(own, callers) : [];
  if (differing.length > 0) {
    throw new TrikdError(
      'wrong-state',
      `replicas of a learner must compute the same bits, and this process has ${differing.join('; ')}`,
    );
  }
  const stage = stageAt(spec, request.stage, request.promoted);
  const dataset = await loadDataset(spec);
  if (dataset.digest !== request.datasetDigest) {
    throw new TrikdError(
      'wrong-state',
      'the training split of this process has another digest than that of the trainer',
    );
  }
  return { spec, dataset, stage, learner: learnerOf(stage, role), rank: request.rank };
}

/** Numbers that come in pieces, by name. @param most numbers of all names */
function collectedValues(most = 0) {
  let pieces = new Map<string, Float32Array[]>();
  let count = 0;
  return {
    add(name: string, data: Buffer) {
      const floats = floatsOf(data);
      count += floats.length;
      if (count > most) throw new TrikdError('invalid', `${count} numbers for a request that uses ${most} at most`);
      pieces.set(name, [...(pieces.get(name) ?? []), floats]);
    },
    /** All of them, in one array for each name. Nothing is left. */
    taken(): ReadonlyMap<string, Float32Array> {
      const taken = new Map([...pieces].map(([name, parts]) => [name, joined(parts)] as const));
      pieces = new Map();
      count = 0;
      return taken;
    },
  };
}
