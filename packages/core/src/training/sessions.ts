import { Engine, type Program, sizeOf, type TensorSpec } from '@trikd/engine';
import { assertParamsMatch } from '../checkpoint/blobs.js';
import type { Dataset } from '../data/split.js';
import type { Params } from '../models/params.js';
import type { ModelSpec } from '../models/registry.js';
import type { RunSpec } from '../spec/run-spec.js';
import { type Learner, replicasOf, type Stage, sourcesOf } from '../stages/stage.js';
import { localReplica } from './replicas/open-replica.js';
import type { Replica } from './replicas/replica.js';
import { replicatedSession } from './replicas/replicated-session.js';
import { type ModelSession, type ProgramContext, randomFeeds, tracePredictor, traceTrainer } from './role-program.js';

/** What a trainer's session is opened with. */
export interface TrainerModel extends ProgramContext {
  readonly stage: Stage;
  readonly learner: Learner;
  /** Params and slots; absent for fresh params. */
  readonly state: Params | undefined;
  /** Aborts when the session is not wanted any more, while it is being opened too. */
  readonly signal?: AbortSignal;
}

/**
 * Opens a replica in another process, with fresh params; undefined where there is none for its rank.
 * @param responseNumbers numbers that it sends at once, at most
 * @throws TrikdError 'unavailable' when the process cannot be reached
 */
export type OpenRemoteReplica = (
  model: TrainerModel,
  rank: number,
  responseNumbers: number,
) => Promise<Replica | undefined>;

/** Opens models in sessions. */
export interface ModelSessions {
  /** @throws TrikdError 'invalid' if the state is not that of the spec's model */
  openTrainer(model: TrainerModel): Promise<ModelSession>;
  /**
   * @param params optimizer slots among them are ignored: a model may be frozen as its stage ended
   * @throws TrikdError 'invalid' if the params are not those of the model
   */
  openFrozen(context: ProgramContext, model: ModelSpec, params: Params): Promise<Pick<ModelSession, 'run' | 'close'>>;
}

/** Models as TensorFlow graphs in this process. */
export const engineSessions = sessionsWith(async () => undefined);

/** Models as TensorFlow graphs. @param openRemote opens the replicas that have processes of their own */
export function sessionsWith(openRemote: OpenRemoteReplica): ModelSessions {
  return {
    async openTrainer(model) {
      const program = traceTrainer(model, model.stage, model.learner);
      if (model.state) assertParamsMatch(model.state, expectedParams(program), 'params of the checkpoint');
      const engine = await Engine.open(model.spec.engine);
      const open = () => engine.load(program, model.state);
      if (replicasOf(model.learner) === 1) return open();
      const responseNumbers = [...program.ports.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
      return openReplicated(model, open, (rank) => openRemote(model, rank, responseNumbers));
    },
    async openFrozen(context, model, params) {
      const program = tracePredictor(context, model);
      const wanted = expectedParams(program);
      const own = new Map([...params].filter(([name]) => wanted.has(name)));
      assertParamsMatch(own, wanted, 'params of the frozen model');
      const engine = await Engine.open(context.spec.engine);
      return engine.load(program, own);
    },
  };
}

/**
 * A learner with several replicas as one session.
 * @param open opens one in this process
 * @param openRemote opens the one of a rank in a process of its own; undefined where there is none
 */
export async function openReplicated(
  { spec, stage, learner, state }: TrainerModel,
  open: () => Promise<ModelSession>,
  openRemote: (rank: number) => Promise<Replica | undefined>,
): Promise<ModelSession> {
  const leader = await open();
  const replicas: Replica[] = [localReplica(leader)];
  const openRank = async (rank: number) => {
    const remote = await openRemote(rank);
    replicas[rank] = remote ?? localReplica(await open());
    if (state) await remote?.assign(state);
  };
  const ranks = Array.from({ length: replicasOf(learner) }, (_, rank) => rank);
  const opened = await Promise.allSettled(ranks.slice(1).map(openRank));
  const failed = opened.find(({ status }) => status === 'rejected');
  if (failed) {
    await Promise.all(replicas.map((replica) => replica?.close()));
    throw (failed as PromiseRejectedResult).reason;
  }
  return replicatedSession({
    leader,
    replicas,
    sources: sourcesOf(stage, learner),
    seeds: ranks.map((rank) => randomFeeds(spec, stage, learner, 0, rank).seed),
  });
}

/** The expected type and shape of params, by name. */
export type ExpectedParams = ReadonlyMap<string, TensorSpec>;

/** The expected params of a program: `param` selects the model's, `slot` the optimizer's. */
export function expectedParams(
  program: Program,
  kinds: readonly ('param' | 'slot')[] = ['param', 'slot'],
): ExpectedParams {
  const wanted = [...program.variables.values()].filter(({ kind }) => kinds.includes(kind));
  return new Map(wanted.map(({ name, shape }) => [name, { dtype: 'float32', shape }]));
}

/**
 * What the blobs of a checkpoint must contain: its state and its best params, the same in every attempt. Traces the
 * learner's program.
 */
export function expectedInCheckpoint(
  spec: RunSpec,
  dataset: Dataset,
  stage: Stage,
  learner: Learner,
): Readonly<Record<'state' | 'best', ExpectedParams>> {
  const program = traceTrainer({ spec, dataset }, stage, learner);
  return { state: expectedParams(program), best: expectedParams(program, ['param']) };
}
