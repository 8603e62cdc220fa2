import { Engine } from '@trikd/engine';
import { assertParamsMatch } from '../checkpoint/blobs.js';
import type { Params } from '../models/params.js';
import type { ModelSpec } from '../models/registry.js';
import { type Learner, replicasOf, type Stage, sourcesOf } from '../stages/stage.js';
import { expectedParams } from './expected-params.js';
import type { ModelSession } from './model-session.js';
import { localReplica } from './replicas/local-replica.js';
import { replicatedSession } from './replicas/replicated-session.js';
import { type ProgramContext, randomFeeds, tracePredictor, traceTrainer } from './role-program.js';

/** What a trainer's session is opened with. */
export interface TrainerModel extends ProgramContext {
  readonly stage: Stage;
  readonly learner: Learner;
  /** Params and slots; absent for fresh params. */
  readonly state: Params | undefined;
}

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

/** Models as TensorFlow graphs. */
export const engineSessions: ModelSessions = {
  async openTrainer(model) {
    const program = traceTrainer(model, model.stage, model.learner);
    if (model.state) assertParamsMatch(model.state, expectedParams(program), 'params of the checkpoint');
    const engine = await Engine.open(model.spec.engine);
    const open = () => engine.load(program, model.state);
    return replicasOf(model.learner) === 1 ? open() : openReplicas(model, open);
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

/** All replicas of a learner in sessions of this process, one after the other. */
async function openReplicas(
  { spec, stage, learner }: TrainerModel,
  open: () => Promise<ModelSession>,
): Promise<ModelSession> {
  const sessions: ModelSession[] = [];
  try {
    while (sessions.length < replicasOf(learner)) sessions.push(await open());
  } catch (error) {
    for (const session of sessions) await session.close();
    throw error;
  }
  return replicatedSession({
    leader: sessions[0]!,
    replicas: sessions.map(localReplica),
    sources: sourcesOf(stage, learner),
    seeds: sessions.map((_, rank) => randomFeeds(spec, stage, learner, 0, rank).seed),
  });
}
