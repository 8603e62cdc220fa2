import { Engine, type Feeds, sizeOf } from '@trikd/engine';
import { type Batch, makeBatch, readBatchAhead } from '../../data/batch.js';
import { TrikdError } from '../../domain/errors.js';
import { type Learner, replicasOf, type Stage } from '../../stages/stage.js';
import {
  AVERAGING,
  LOGITS,
  type ModelSession,
  type ProgramContext,
  randomFeeds,
  TRAIN,
  traceTrainer,
} from '../role-program.js';
import type { Replica } from './replica.js';

/** A replica that is alone in its process. */
export interface ReplicaModel extends ProgramContext {
  readonly stage: Stage;
  readonly learner: Learner;
  readonly rank: number;
}

/** The model of a replica in a session. */
export interface LoadedReplica {
  readonly session: ModelSession;
  /** Of its state, by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** The most numbers that one request may use. */
  readonly mostNumbers: number;
}

/** Loads the model of a replica with fresh params. */
export type LoadReplica = (model: ReplicaModel) => Promise<LoadedReplica>;

/** A replica that makes its parts of the batches itself. */
export interface RemoteReplica extends Omit<Replica, 'forward' | 'assign'> {
  /** As `forward` of a replica. @param numbers what is fed besides the batch, by input */
  step(step: number, numbers: Readonly<Record<string, number>>): Promise<Float32Array>;
  /** Overwrites state. @throws TrikdError 'invalid' for a name or a size that the model does not have */
  assignValues(values: ReadonlyMap<string, Float32Array>): Promise<void>;
  readonly mostNumbers: LoadedReplica['mostNumbers'];
}

/**
 * Opens a replica with fresh params.
 * @param load default: as a TensorFlow graph
 * @throws TrikdError 'invalid' for a rank that the learner does not have
 */
export async function openReplica(model: ReplicaModel, load = loadProgram): Promise<RemoteReplica> {
  const { spec, dataset, stage, learner, rank } = model;
  const count = replicasOf(learner);
  if (rank < 1 || rank >= count) {
    throw new TrikdError('invalid', `the ${learner.name} has ${count} replicas, and none of rank ${rank}`, { rank });
  }
  const { session, shapes, mostNumbers } = await load(model);
  const replica = localReplica(session);
  const partAt = (step: number) => makeBatch(dataset, spec, stage.index, step, { index: rank, of: count });
  let ahead: Batch | undefined;

  return {
    async step(step, numbers) {
      const { images, labels, mix } = ahead?.step === step ? ahead : partAt(step);
      const feeds: Feeds = {
        ...numbers,
        ...{ images, labels, ...(mix && { mixLabels: mix.labels, mixShares: mix.shares }) },
        ...randomFeeds(spec, stage, learner, step, rank),
      };
      const logits = replica.forward(feeds);
      // A failure is reported below, once the thread is free again.
      logits.catch(() => undefined);
      ahead = partAt(step + 1);
      readBatchAhead(dataset, spec, stage.index, step + 2);
      return logits;
    },
    backward: (targets) => replica.backward(targets),
    update: (sum) => replica.update(sum),
    async assignValues(values) {
      const state = [...values].map(([name, data]) => {
        const shape = shapes.get(name);
        if (!shape) throw new TrikdError('invalid', `the ${learner.name} has no state ${name}`);
        return [name, { dtype: 'float32' as const, shape, data }] as const;
      });
      await replica.assign(new Map(state));
    },
    mostNumbers,
    close: () => replica.close(),
  };
}

async function loadProgram(model: ReplicaModel): Promise<LoadedReplica> {
  const program = traceTrainer(model, model.stage, model.learner);
  const engine = await Engine.open(model.spec.engine);
  const { variables, ports } = program;
  return {
    session: await engine.load(program),
    shapes: new Map([...variables].map(([name, { shape }]) => [name, shape])),
    mostNumbers: [...variables.values(), ...ports.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0),
  };
}

/** A replica in a session of this process. */
export function localReplica(session: ModelSession): Replica {
  let running: Promise<Record<string, Float32Array>> = Promise.resolve({});
  /** If the run fails, what its ports wait for never comes. */
  const unlessFailed = <T>(value: Promise<T>): Promise<T> =>
    Promise.race([value, running.then(() => new Promise<never>(() => {}))]);
  return {
    forward(feeds) {
      running = session.run(TRAIN, feeds);
      return unlessFailed(session.take(LOGITS));
    },
    async backward(targets) {
      await Promise.all([...targets].map(([source, logits]) => unlessFailed(session.put(source, logits))));
      return unlessFailed(session.take(AVERAGING.share));
    },
    async update(sum) {
      await unlessFailed(session.put(AVERAGING.sum, sum));
      return running;
    },
    assign: (state) => session.assign(state),
    close: () => session.close(),
  };
}
