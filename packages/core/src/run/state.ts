import { z } from 'zod';
import { PairManifest } from '../checkpoint/manifest.js';
import { FAILURE_KINDS } from '../domain/errors.js';

const Count = z.int().nonnegative();
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits');
// What a run remembers of a checkpoint is what the manifest says of it.
const { state: BlobRecord, best } = PairManifest.shape.student.shape;
const BestRecord = best.unwrap();
const ScoreRecord = BestRecord.shape.validation;

/** A promoted student: what the anchor-server loads. */
export const Anchor = z
  .strictObject({ generation: Count.describe('whose student it was'), params: BlobRecord })
  .readonly();
export type Anchor = z.infer<typeof Anchor>;

/** The anchor of a generation as the anchor-server scored it when it loaded it. */
export const AnchorScores = z.strictObject({ validation: ScoreRecord, test: ScoreRecord }).readonly();
export type AnchorScores = z.infer<typeof AnchorScores>;

/** A committed pair of checkpoints. */
export const PairRef = z.strictObject({ step: Count, manifestKey: z.string().min(1) }).readonly();
export type PairRef = z.infer<typeof PairRef>;

/** A pair that its generation can resume from, with what decides there whether the generation has converged. */
export const ResumablePair = z
  .strictObject({
    ...PairRef.unwrap().shape,
    convergence: z
      .strictObject({
        best: z.number().exactOptional().describe('the last accuracy, 0..1, that was a gain'),
        sinceGain: Count.describe('validations since then'),
      })
      .readonly()
      .exactOptional()
      .describe('of the student, up to this step; absent before its first validation'),
  })
  .readonly();
export type ResumablePair = z.infer<typeof ResumablePair>;

// What grows in a state has a bound, so that every state fits into the 1 MiB that a reader takes: results by MOST_GENERATIONS.

/** Pairs of the current generation that a run keeps at most. */
export const MOST_PAIRS = 100;

/** Changes of the anchor by hand in the life of a run, at most. Those by the rule are bounded by the generations. */
export const MOST_MOVES_BY_HAND = 500;

/** Characters of the sentence that says why a run failed, at most. */
export const LONGEST_REASON = 2000;

/** One validation of the student. */
export interface Validation {
  readonly step: number;
  /** 0..1 */
  readonly accuracy: number;
}

/** What both trainers had reached when a generation ended. */
export const Outcome = z
  .strictObject({
    steps: Count,
    student: BestRecord,
    teacher: BestRecord,
    studentStateSha256: Sha256.describe('weights, statistics and optimizer slots at the last step'),
    teacherStateSha256: Sha256,
    pair: PairRef.describe('the checkpoint of the last step'),
  })
  .readonly();
export type Outcome = z.infer<typeof Outcome>;

/** One generation that has ended. */
export const GenerationResult = z
  .strictObject({
    generation: Count,
    ...Outcome.unwrap().shape,
    anchorScores: AnchorScores.exactOptional(),
    promoted: z.boolean().describe('its student became the anchor of the next generation'),
  })
  .readonly();
export type GenerationResult = z.infer<typeof GenerationResult>;

/** What every process derives from spec and data alike: the same in every attempt of every generation. */
export const Facts = z
  .strictObject({
    datasetDigest: Sha256.describe('of the training split'),
    classes: Count,
    totalSteps: Count.describe('of a whole generation'),
    stepsPerEpoch: Count,
  })
  .readonly();
export type Facts = z.infer<typeof Facts>;

/** A point in time, as ISO 8601 in UTC. */
export const Time = z.iso.datetime();

/** One change of the anchor. */
export const AnchorMove = z
  .strictObject({
    by: z.enum(['rule', 'override', 'rollback']).describe('the rule of the spec, or somebody who wanted it'),
    to: Count.describe('the generation whose student became the anchor'),
    during: Count.describe('the generation in hand, or the last one'),
    at: Time.exactOptional().describe('absent where it was not written down'),
  })
  .readonly();
export type AnchorMove = z.infer<typeof AnchorMove>;

/** What is known in every phase. */
const past = {
  generation: Count.describe('in hand, or the last one'),
  attempt: z.int().positive().describe('starts of this generation, from 1'),
  results: z.array(GenerationResult).readonly(),
  facts: Facts.exactOptional().describe('from the first assignment on'),
  moves: z.array(AnchorMove).readonly().describe('of the anchor, in their order'),
};

/** What survives the loss of an attempt. */
const resumable = {
  ...past,
  anchor: Anchor.exactOptional().describe('absent in generation 0'),
  pairs: z.array(ResumablePair).readonly().describe('committed in this generation and kept, by step'),
  losses: Count.describe('attempts lost since the last committed pair'),
};

/** The anchor is being loaded and the trainers get their assignments. */
export const Preparing = z.strictObject({ phase: z.literal('preparing'), ...resumable }).readonly();
export type Preparing = z.infer<typeof Preparing>;

/** What is known from the assignment of an attempt on. */
const assigned = { ...resumable, facts: Facts, anchorScores: AnchorScores.exactOptional() };

/** Teacher and student learn. */
export const Training = z.strictObject({ phase: z.literal('training'), ...assigned }).readonly();
export type Training = z.infer<typeof Training>;

/** The candidate is being judged. */
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

/** The run ended by an error. */
export const Failed = z
  .strictObject({ phase: z.literal('failed'), ...resumable, kind: z.enum(FAILURE_KINDS), reason: z.string() })
  .readonly();
export type Failed = z.infer<typeof Failed>;

/** The next generation waits for somebody who begins it. */
export const Waiting = z.strictObject({ phase: z.literal('waiting'), ...resumable }).readonly();
export type Waiting = z.infer<typeof Waiting>;

/** What a run that was stopped while a candidate was judged keeps of it. */
const unjudged = { anchorScores: AnchorScores.exactOptional(), outcome: Outcome.exactOptional() };

/** The run rests until somebody resumes it. */
export const Paused = z.strictObject({ phase: z.literal('paused'), ...resumable, ...unjudged }).readonly();
export type Paused = z.infer<typeof Paused>;

/** Somebody has ended the run. What it has learned stays. */
export const Cancelled = z.strictObject({ phase: z.literal('cancelled'), ...resumable, ...unjudged }).readonly();
export type Cancelled = z.infer<typeof Cancelled>;

/** The life of a run. Each phase carries exactly the data that exists in it. */
export const RunState = z.discriminatedUnion('phase', [
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

/** A run that was just created: generation 0, first attempt, nothing learned. */
export const firstState: Preparing = {
  phase: 'preparing',
  generation: 0,
  attempt: 1,
  results: [],
  moves: [],
  pairs: [],
  losses: 0,
};

/** The pair to resume the generation from; undefined: from fresh params. */
export function resumePair(state: { readonly pairs: readonly ResumablePair[] }): ResumablePair | undefined {
  return state.pairs.at(-1);
}

/** Whether a run has ended. One that failed may still be resumed. */
export function hasEnded({ phase }: RunState): boolean {
  return phase === 'completed' || phase === 'failed' || phase === 'cancelled';
}

/** The changes of the anchor that somebody has asked for. */
export function movesByHand({ moves }: { readonly moves: readonly AnchorMove[] }): readonly AnchorMove[] {
  return moves.filter(({ by }) => by !== 'rule');
}
