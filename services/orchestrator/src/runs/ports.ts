import type { Numerics } from '@trikd/core/domain/numerics';
import type { Role, StageAttempt, TrainedRole } from '@trikd/core/domain/position';
import type { Facts, FrozenScores } from '@trikd/core/run/state';
import type { ProcessUsage, RoleStep } from '@trikd/core/timing/role-step';
import type { Assignment, FrozenAssignment } from '@trikd/core/training/assignment';
import type { TrainerEvent } from '@trikd/core/training/ports';

/** What a process tells of what it computes with. */
interface WithNumerics {
  readonly numerics?: Numerics | undefined;
}

/** What a trainer tells of the file whose params its learner started from. */
interface WithInitialFile {
  /** SHA-256, hex; absent when it read none. */
  readonly initialFile?: string | undefined;
}

/** One trainer, as the orchestrator uses it. Every call fails with a TrikdError. */
export interface TrainerLink {
  readonly role: TrainedRole;
  /** host:port for the other trainer. */
  readonly address: string;
  /** host:port of the trainers that compute further replicas of its learners; absent: those of its configuration. */
  readonly replicas?: readonly string[] | undefined;
  /** May take minutes: the trainer reads data and traces graphs. */
  assign(assignment: Assignment): Promise<Facts & WithNumerics & WithInitialFile>;
  /** @throws TrikdError `wrong-state` when the trainer is already beyond `limit` */
  setLimit(attempt: StageAttempt, limit: number): Promise<void>;
  /**
   * Requests a checkpoint of a step besides those that the spec plans.
   * @throws TrikdError `wrong-state` when the trainer may have begun the step
   */
  saveAt(attempt: StageAttempt, step: number): Promise<void>;
  /** First step that the trainer has certainly not begun. */
  nextStep(): Promise<number>;
  /**
   * What happens in an attempt, from its first event on. Throws what the attempt failed of.
   * @param connection gets the reason when the connection is lost, and undefined when it is back
   */
  watch(
    attempt: StageAttempt,
    signal: AbortSignal,
    connection?: (lost: string | undefined) => void,
  ): AsyncIterable<TrainerEvent>;
  /** What has happened in an attempt so far. Throws what the attempt failed of. */
  past(attempt: StageAttempt): AsyncIterable<TrainerEvent>;
}

/** What the anchor-server answers when it has loaded the frozen models of a stage. */
export interface LoadedModels {
  readonly datasetDigest: string;
  /** By name. */
  readonly scores: Readonly<Record<string, FrozenScores>>;
  /** SHA-256, hex, of the files that params were read from, by name of the model. */
  readonly files?: Readonly<Record<string, string>>;
}

/** The anchor-server, as the orchestrator uses it. */
export interface AnchorLink {
  /** host:port for the trainers. */
  readonly address: string;
  /** Serves the frozen models of a stage, from a step on. May take minutes: they are scored on both splits. */
  load(assignment: FrozenAssignment): Promise<LoadedModels & WithNumerics>;
}

/** What a model answers when it is asked for its steps. */
export interface StepsRead {
  readonly steps: readonly RoleStep[];
  /** Of its process, up to now. */
  readonly usage?: ProcessUsage | undefined;
}

/** The steps of one model, as it reports them. Every call fails with a TrikdError. */
export interface StepLink {
  readonly role: Role;
  /** Steps of an attempt that are over, from one on; not all of them at once. */
  read(attempt: StageAttempt, fromStep: number): Promise<StepsRead>;
  /** Sends the spans of steps that it has not sent yet. */
  trace(attempt: StageAttempt, steps: readonly number[]): Promise<void>;
}

/** The links to the services of one trio. */
export interface TrioLinks {
  readonly trainers: Readonly<Record<TrainedRole, TrainerLink>>;
  readonly anchor: AnchorLink;
  /** The models that report where the time of their steps goes. */
  readonly steps: readonly StepLink[];
  close(): void;
}
