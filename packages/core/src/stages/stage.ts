import { TrikdError } from '../domain/errors.js';
import type { TrainedRole } from '../domain/position.js';
import type { ModelSpec } from '../models/registry.js';
import type { PreprocessingSpec } from '../spec/outside-spec.js';
import type { OptimizerSpec, TermSpec } from '../spec/role-spec.js';
import type { RunSettings } from '../spec/run-settings.js';
import type { EndpointRef, Ref } from './origin.js';

/** The length of a stage, and what happens in it besides training. */
export type Budget = Pick<
  RunSettings,
  'epochs' | 'schedule' | 'warmupSteps' | 'evaluation' | 'checkpoint' | 'convergence'
>;

/** A model that trains. */
export interface Learner {
  readonly name: string;
  /** The trainer that trains it. */
  readonly slot: TrainedRole;
  readonly model: ModelSpec;
  /** Fresh params, or those of an earlier stage, another run or a file. */
  readonly init: 'fresh' | Ref;
  /** Terms of the loss. Each distillation term names a participant of the stage. */
  readonly objective: readonly TermSpec[];
  readonly optimizer: OptimizerSpec;
  /** The peak, after warm-up. */
  readonly learningRate: number;
  /** Limit of the global gradient norm; null: none. */
  readonly clipNorm: number | null;
  /** Copies of the model, each of which trains a part of every batch; absent: 1. */
  readonly replicas?: number | undefined;
}

/** How many copies of a model train. */
export function replicasOf({ replicas = 1 }: Pick<Learner, 'replicas'>): number {
  return replicas;
}

/** A frozen model that the anchor-server computes. */
export interface LoadedFrozen {
  readonly name: string;
  readonly model: ModelSpec;
  /** `promoted`: the student that was promoted last, if there is one. */
  readonly from: 'promoted' | Ref;
  /** How its images are normalised; absent: as those of the run. */
  readonly preprocessing?: PreprocessingSpec;
}

/** A frozen model that another server computes. */
export interface RemoteFrozen {
  readonly name: string;
  readonly from: EndpointRef;
  readonly preprocessing?: PreprocessingSpec;
}

/** A model that only answers. */
export type Frozen = LoadedFrozen | RemoteFrozen;

/** Whether another server computes a frozen model. */
export function isRemote(frozen: Frozen): frozen is RemoteFrozen {
  return frozen.from !== 'promoted' && frozen.from.kind === 'endpoint';
}

/** Whether the params of a frozen model are in the store: those of this run or of another one. */
export function isInStore({ from }: Frozen): boolean {
  return from === 'promoted' || from.kind === 'stage' || from.kind === 'run';
}

/** One training of one or two learners beside frozen models. */
export interface Stage extends Budget {
  /** Unique in the run. */
  readonly name: string;
  /** Its place among the stages of the run, from 0. */
  readonly index: number;
  /** One, or two in different slots. */
  readonly learners: readonly Learner[];
  readonly frozen: readonly Frozen[];
  /** The learner whose validations decide when the stage has converged. */
  readonly decisive: string;
  /** Its number among the generations of one student; undefined: it is none of them. */
  readonly generation?: number;
  /** Whether its decisive learner is a candidate for the frozen model that is `promoted`. */
  readonly promotes: boolean;
}

/** The learner of a slot; undefined: the slot is idle. */
export function learnerIn({ learners }: Stage, slot: TrainedRole): Learner | undefined {
  return learners.find((learner) => learner.slot === slot);
}

/** The learner that a trainer trains. @throws TrikdError 'invalid' when the slot is idle */
export function learnerOf(stage: Stage, slot: TrainedRole): Learner {
  const learner = learnerIn(stage, slot);
  if (learner) return learner;
  throw new TrikdError('invalid', `stage ${stage.name} trains no model in the ${slot}-trainer`);
}

/** The participants whose logits a learner needs: frozen models first, in the order of the stage. */
export function sourcesOf({ frozen, learners }: Stage, { objective }: Learner): readonly string[] {
  const named = new Set(objective.flatMap((term) => (term.kind === 'distillation' ? [term.from] : [])));
  return [...frozen, ...learners].map(({ name }) => name).filter((name) => named.has(name));
}

/** The slots whose learners need the logits of a participant. */
export function consumersOf(stage: Stage, producer: string): readonly TrainedRole[] {
  return stage.learners.filter((learner) => sourcesOf(stage, learner).includes(producer)).map(({ slot }) => slot);
}

/**
 * A stage without the frozen models that wait for a first promotion, and without the terms that ask them.
 * @param promoted whether there was one
 */
export function asRun(stage: Stage, promoted: boolean): Stage {
  if (promoted) return stage;
  const absent = new Set(stage.frozen.filter(({ from }) => from === 'promoted').map(({ name }) => name));
  if (absent.size === 0) return stage;
  const asks = (term: TermSpec) => term.kind === 'distillation' && absent.has(term.from);
  return {
    ...stage,
    frozen: stage.frozen.filter(({ name }) => !absent.has(name)),
    learners: stage.learners.map((learner) => ({
      ...learner,
      objective: learner.objective.filter((term) => !asks(term)),
    })),
  };
}
