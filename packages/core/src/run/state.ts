import { z } from 'zod';
import { LearnerPart, NumericsRecord } from '../checkpoint/manifest.js';
import { FAILURE_KINDS } from '../domain/errors.js';
import type { BestParams } from '../domain/role-checkpoint.js';
import { ParticipantName } from '../spec/fields.js';

const Count = z.int().nonnegative();
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits');
// The state stores a checkpoint's scores and blobs as its manifest does.
const { state: BlobRecord, best } = LearnerPart.shape;
const BestRecord = best.unwrap();
const ScoreRecord = BestRecord.shape.validation;

/** A promoted student, which the anchor-server loads. */
export const Anchor = z.strictObject({ stage: Count.describe('of the student'), params: BlobRecord }).readonly();
export type Anchor = z.infer<typeof Anchor>;

/** Scores of a frozen model, by the anchor-server when it loaded it. */
export const FrozenScores = z.strictObject({ validation: ScoreRecord, test: ScoreRecord }).readonly();
export type FrozenScores = z.infer<typeof FrozenScores>;

/** Of each frozen model of a stage, by name. */
const ScoresByName = z.record(ParticipantName, FrozenScores).readonly();

/** A committed pair of checkpoints. */
export const PairRef = z.strictObject({ step: Count, manifestKey: z.string().min(1) }).readonly();
export type PairRef = z.infer<typeof PairRef>;

/** A pair from which its stage can resume, with the state of convergence at its step. */
export const ResumablePair = z
  .strictObject({
    ...PairRef.unwrap().shape,
    convergence: z
      .strictObject({
        best: z.number().exactOptional().describe('the last value of the primary metric that was a gain'),
        sinceGain: Count.describe('validations since then'),
      })
      .readonly()
      .exactOptional()
      .describe('of the student, up to this step; absent before its first validation'),
  })
  .readonly();
export type ResumablePair = z.infer<typeof ResumablePair>;

// What grows in a state has a bound, so that every state fits into the 2 MiB that a reader takes: results by MOST_STAGES.

/** Pairs of the current stage that a run keeps at most. */
export const MOST_PAIRS = 100;

/** Changes of the anchor by hand in the life of a run, at most. Those by the rule are bounded by the generations. */
export const MOST_MOVES_BY_HAND = 500;

/** Characters of the sentence that says why a run failed or lost its trio, at most. */
export const LONGEST_REASON = 2000;

/** One validation of the student. */
export interface Validation {
  readonly step: number;
  /** Of the primary metric. */
  readonly value: number;
}

/** What a learner reached by the end of a stage. */
export const LearnerOutcome = z
  .strictObject({
    best: BestRecord,
    stateSha256: Sha256.describe('weights, statistics and optimizer slots at the last step'),
  })
  .readonly();
export type LearnerOutcome = z.infer<typeof LearnerOutcome>;

/** What the learners reached by the end of a stage. */
export const Outcome = z
  .strictObject({
    steps: Count,
    learners: z.record(ParticipantName, LearnerOutcome).readonly(),
    pair: PairRef.describe('the checkpoint of the last step'),
  })
  .readonly();
export type Outcome = z.infer<typeof Outcome>;

/** A stage that has ended. */
export const StageResult = z
  .strictObject({
    stage: Count,
    ...Outcome.unwrap().shape,
    frozen: ScoresByName.exactOptional().describe('scores of the frozen models of the stage'),
    candidate: ParticipantName.exactOptional().describe('the learner that could be promoted; absent where none could'),
    promoted: z.boolean().describe('its student became the anchor of the next generation'),
  })
  .readonly();
export type StageResult = z.infer<typeof StageResult>;

/** What every process derives from spec and data. It is the same in every attempt of a stage. */
export const Facts = z
  .strictObject({
    datasetDigest: Sha256.describe('of the training split'),
    classes: Count,
    totalSteps: Count.describe('of the whole stage'),
    stepsPerEpoch: Count,
  })
  .readonly();
export type Facts = z.infer<typeof Facts>;

/** A point in time, as ISO 8601 in UTC. */
export const Time = z.iso.datetime();

/** One change of the anchor. */
export const AnchorMove = z
  .strictObject({
    by: z.enum(['rule', 'override', 'rollback']).describe('the rule of the spec, or a request'),
    to: Count.describe('the generation whose student became the anchor'),
    during: Count.describe('the current stage, or the last one'),
    at: Time.exactOptional().describe('absent when it was not recorded'),
  })
  .readonly();
export type AnchorMove = z.infer<typeof AnchorMove>;

/** Fields of every phase. */
const past = {
  stage: Count.describe('the current one, or the last one'),
  attempt: z.int().positive().describe('of this stage, from 1'),
  results: z.array(StageResult).readonly(),
  facts: Facts.exactOptional().describe('known from the first assignment'),
  imported: z
    .record(z.string(), Sha256)
    .readonly()
    .exactOptional()
    .describe('SHA-256 of params from outside of the run, by where they came from; absent where there were none'),
  moves: z.array(AnchorMove).readonly().describe('of the anchor, in order'),
};

/** Fields that survive the loss of an attempt. */
const resumable = {
  ...past,
  anchor: Anchor.exactOptional().describe('absent while no student was promoted'),
  pairs: z.array(ResumablePair).readonly().describe('kept in this stage, by step'),
  losses: Count.describe('attempts lost since the last committed pair'),
};

/** What a run keeps of a candidate that was to be judged when the run left its trio. */
const unjudged = { frozen: ScoresByName.exactOptional(), outcome: Outcome.exactOptional() };

/** Why a run lost its trio, in one word for programs. */
export const DISPLACEMENTS = ['trio-draining', 'trio-away', 'preempted'] as const;

/** Why a run lost its trio and waits for another one. */
export const Displacement = z
  .strictObject({ why: z.enum(DISPLACEMENTS), message: z.string().describe('one sentence') })
  .readonly();
export type Displacement = z.infer<typeof Displacement>;

/** The run waits for a trio. */
export const Queued = z
  .strictObject({
    phase: z.literal('queued'),
    ...resumable,
    ...unjudged,
    displaced: Displacement.exactOptional().describe('absent unless the run had a trio and lost it'),
  })
  .readonly();
export type Queued = z.infer<typeof Queued>;

/** The anchor loads, and the trainers receive their assignments. */
export const Preparing = z.strictObject({ phase: z.literal('preparing'), ...resumable }).readonly();
export type Preparing = z.infer<typeof Preparing>;

/** Fields from the assignment of an attempt on. */
const assigned = { ...resumable, facts: Facts, frozen: ScoresByName.exactOptional() };

/** Teacher and student train. */
export const Training = z
  .strictObject({
    phase: z.literal('training'),
    ...assigned,
    numerics: NumericsRecord.exactOptional().describe('of the models of this attempt, as they reported them'),
  })
  .readonly();
export type Training = z.infer<typeof Training>;

/** The candidate is judged. */
export const Promoting = z
  .strictObject({
    phase: z.literal('promoting'),
    ...assigned,
    outcome: Outcome,
  })
  .readonly();
export type Promoting = z.infer<typeof Promoting>;

/** The curriculum is over. */
export const Completed = z.strictObject({ phase: z.literal('completed'), ...past }).readonly();
export type Completed = z.infer<typeof Completed>;

/** The run ended with an error. */
export const Failed = z
  .strictObject({ phase: z.literal('failed'), ...resumable, kind: z.enum(FAILURE_KINDS), reason: z.string() })
  .readonly();
export type Failed = z.infer<typeof Failed>;

/** The next generation waits for a trigger. */
export const Waiting = z.strictObject({ phase: z.literal('waiting'), ...resumable }).readonly();
export type Waiting = z.infer<typeof Waiting>;

/** The run is stopped until it is resumed. */
export const Paused = z.strictObject({ phase: z.literal('paused'), ...resumable, ...unjudged }).readonly();
export type Paused = z.infer<typeof Paused>;

/** The run was ended on request. Its checkpoints and results remain. */
export const Cancelled = z.strictObject({ phase: z.literal('cancelled'), ...resumable, ...unjudged }).readonly();
export type Cancelled = z.infer<typeof Cancelled>;

/** The state of a run. Each phase has exactly the data that exists in it. */
export const RunState = z.discriminatedUnion('phase', [
  Queued,
  Preparing,
  Training,
  Promoting,
  Waiting,
  Paused,
  Completed,
  Failed,
  Cancelled,
]);
export type RunState = z.infer<typeof RunState>;

/** A new run: generation 0, first attempt, nothing learned. */
export const firstState: Queued = {
  phase: 'queued',
  stage: 0,
  attempt: 1,
  results: [],
  moves: [],
  pairs: [],
  losses: 0,
};

/** The params of the learner of a stage that could be promoted. */
export function candidateOf({ candidate, learners }: StageResult): BestParams | undefined {
  return candidate === undefined ? undefined : learners[candidate]?.best;
}

/** The pair from which the stage resumes; undefined: it starts from fresh params. */
export function resumePair(state: { readonly pairs: readonly ResumablePair[] }): ResumablePair | undefined {
  return state.pairs.at(-1);
}

/** Whether a run in this phase has a trio. */
export function holdsTrio({ phase }: Pick<RunState, 'phase'>): boolean {
  return phase === 'preparing' || phase === 'training' || phase === 'promoting';
}

/** Whether a run in this phase has a trio, or waits for one. */
export function wantsTrio(state: Pick<RunState, 'phase'>): boolean {
  return state.phase === 'queued' || holdsTrio(state);
}

/** Whether a run has ended. A failed run may still be resumed. */
export function hasEnded({ phase }: RunState): boolean {
  return phase === 'completed' || phase === 'failed' || phase === 'cancelled';
}

/** The changes of the anchor that were requested. */
export function movesByHand({ moves }: { readonly moves: readonly AnchorMove[] }): readonly AnchorMove[] {
  return moves.filter(({ by }) => by !== 'rule');
}

/** Limits the length of a message, which another process wrote. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
