import { Engine, type Session } from '@trikd/engine';
import { assertParamsMatch } from '../checkpoint/blobs.js';
import type { TrainedRole } from '../domain/role.js';
import type { Params } from '../models/params.js';
import type { TermSpec } from '../spec/role-spec.js';
import { expectedParams } from './expected-params.js';
import { type ProgramContext, traceAnchor, traceTrainer } from './role-program.js';

/** A model in a session, as the training loop uses it. Its functions are those of `role-program.ts`. */
export type ModelSession = Pick<Session, 'run' | 'take' | 'put' | 'state' | 'assign' | 'close'>;

/** What a trainer's session is opened with. */
export interface TrainerModel extends ProgramContext {
  readonly role: TrainedRole;
  readonly terms: readonly TermSpec[];
  /** Params and slots; absent for fresh params. */
  readonly state: Params | undefined;
}

/** Opens models in sessions. */
export interface ModelSessions {
  /** @throws TrikdError 'invalid' if the state is not that of the spec's model */
  openTrainer(model: TrainerModel): Promise<ModelSession>;
  /** @throws TrikdError 'invalid' if the params are not those of the spec's student */
  openAnchor(context: ProgramContext, params: Params): Promise<Pick<ModelSession, 'run' | 'close'>>;
}

/** Models as TensorFlow graphs. */
export const engineSessions: ModelSessions = {
  async openTrainer(model) {
    const program = traceTrainer(model, model.role, model.terms);
    if (model.state) assertParamsMatch(model.state, expectedParams(program), 'params of the checkpoint');
    const engine = await Engine.open(model.spec.engine);
    return engine.load(program, model.state);
  },
  async openAnchor(context, params) {
    const program = traceAnchor(context);
    assertParamsMatch(params, expectedParams(program), 'params of the anchor');
    const engine = await Engine.open(context.spec.engine);
    return engine.load(program, params);
  },
};
